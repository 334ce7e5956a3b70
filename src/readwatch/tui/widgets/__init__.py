"""The widgets of the console, one file each."""
