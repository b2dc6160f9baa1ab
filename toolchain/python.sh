#!/bin/sh
# python.sh: prints the Python that the project itself runs on: the newest one from 3.11 on. Pyenv's are looked for in its folder,
# since its shims start whatever the current folder asks for.
set -eu
. "$(dirname "$0")/say.sh"
for minor in 12 13 11; do
    for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.$minor.*/bin/python3.$minor $(command -v python3.$minor || true) $(command -v python3 || true); do
        if [ "$("$candidate" -c 'import sys; print(sys.version_info[1])' 2>/dev/null || true)" = $minor ]; then
            echo "$candidate"
            exit 0
        fi
    done
done
missing "there is no Python from 3.11 on" "apt-get install python3, or: pyenv install 3.12"
