# Sourced by the scripts beside it.
say() { echo "crossfade: $*" >&2; }
missing() { # WHAT IS MISSING, THE COMMAND THAT GETS IT
    echo "crossfade: $1" >&2
    echo "    $2" >&2
    exit 1
}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/crossfade
