"""The queries of the lists that consultants see; their cost does not grow with history."""
