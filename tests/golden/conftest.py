"""The inputs have tests of their own, which are data here."""

collect_ignore_glob = ["*"]
