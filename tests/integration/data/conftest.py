"""The packages here are material for builds; their own tests are run there."""

collect_ignore_glob = ["*"]
