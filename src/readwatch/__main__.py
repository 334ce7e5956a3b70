"""`python -m readwatch`, and the `readwatch` command."""

from readwatch.cli.main import main

if __name__ == "__main__":
    main()
