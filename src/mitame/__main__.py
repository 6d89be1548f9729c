"""``python -m mitame``."""

from mitame.cli.main import main

if __name__ == "__main__":
    main()
