"""What arxiv-feeds does, apart from HTTP: papers in, judged, kept, and out again as feeds."""
