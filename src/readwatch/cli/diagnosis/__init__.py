"""The checks of `readwatch doctor`: each looks at one thing and yields findings."""
