#!/bin/sh
# Creates Temporal's two databases and brings their schemas up to date; may run again at any time.
set -eu
tool() {
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u perennial "$@"
}
for database in temporal temporal_visibility; do
  tool --db "$database" create || true
  tool --db "$database" setup-schema -v 0.0 || true
done
tool --db temporal update-schema -d /etc/temporal/schema/postgresql/v12/temporal/versioned
tool --db temporal_visibility update-schema -d /etc/temporal/schema/postgresql/v12/visibility/versioned
