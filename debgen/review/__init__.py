"""The dossier for whoever sponsors or mentors an upload: what was made, why, and what a human has still to look at."""
