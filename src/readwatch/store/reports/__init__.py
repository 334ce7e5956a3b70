"""What is read for other programs and for reports: exports, a week, and a day at a glance."""
