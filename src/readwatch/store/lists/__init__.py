"""The queries behind the lists that consultants see; none of them grows with history."""
