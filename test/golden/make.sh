#!/bin/sh
# Makes the golden files with the pinned versions, in an environment of its own. Arguments: topics; none means all.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
environment=$here/../../.cache/golden
if ! cmp -s "$here/requirements.txt" "$environment/requirements.txt"; then
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$environment/requirements.txt"
fi
exec "$environment/bin/python" "$here/make.py" "$@"
