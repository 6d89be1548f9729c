#!/bin/sh
# What a user of gannoy did with curl, from its README on; runs against mitame unchanged.
# Needs a database of three dimensions called fruit, which gannoy's own command made:
#
#   mitame gannoy create -d 3 fruit
#   mitame serve --gannoy
#   sh transcript.sh http://localhost:1323
#
# What it prints is in transcript.txt.

HOST=${1:-http://localhost:1323}

say() {
    echo "\$ curl $*" | sed "s|$HOST|http://localhost:1323|g"
    curl --silent --show-error --write-out '\n%{http_code} [%{content_type}]\n' "$@"
}

# Register features.
say "$HOST/databases/fruit/features/10" -H "Content-type: application/json" -X PUT -d '{"features": [1.0, 0.5, 0.2]}'
say "$HOST/databases/fruit/features/23" -H "Content-type: application/json" -X PUT -d '{"features": [1.0, 0.6, 0.2]}'
say "$HOST/databases/fruit/features/2" -H "Content-type: application/json" -X PUT -d '{"features": [0.2, 0.5, 1.0]}'
say "$HOST/databases/fruit/features" -H "Content-type: application/json" -X POST -d '{"key": 20, "features": [0.9, 0.8, 0.2]}'
say "$HOST/databases/fruit/features" -H "Content-type: application/json" -X POST -d '{"key": 20, "features": [0.1, 0.1, 0.1]}'

# Search similar items.
say "$HOST/databases"
say "$HOST/search?database=fruit&key=10"
say "$HOST/search?database=fruit&key=10&limit=2"
say "$HOST/search?database=fruit&id=2&limit=-1&pretty"
say "$HOST/search?database=fruit&key=99"
say "$HOST/search?database=vegetables&key=10"

# Update, with a slip or two.
say "$HOST/databases/fruit/features/10" -H "Content-type: application/json" -X PUT -d '{"features": [1.0, 0.5]}'
say "$HOST/databases/fruit/features/10" -H "Content-type: application/json" -X PUT -d '{"features": ["a"]}'
say "$HOST/databases/fruit/features/10" -H "Content-type: application/json" -X PUT -d '{b'
say "$HOST/databases/fruit/features/10" -H "Content-type: application/json" -X PUT
say "$HOST/databases/fruit/features/10" -H "Content-type: text/plain" -X PUT -d '{"features": [1.0, 0.5, 0.2]}'
say "$HOST/databases/fruit/features/10" -X PUT -d '{"features": [1.0, 0.5, 0.2]}'
say "$HOST/databases/fruit/features/ten" -H "Content-type: application/json" -X PUT -d '{"features": [1.0, 0.5, 0.2]}'
say "$HOST/databases/fruit/features/10" -H "Content-type: application/json" -X PUT -d '{"features": [0.1, 0.5, 1.0]}'
say "$HOST/search?database=fruit&key=10"

# Delete, apply, and look whether it is well.
say "$HOST/databases/fruit/features/23" -X DELETE
say "$HOST/databases/fruit/features/23" -X DELETE
say "$HOST/savepoints/fruit" -X PUT
say "$HOST/savepoints" -X PUT
say "$HOST/search?database=fruit&key=10"
say "$HOST/health"
say "$HOST/feature"
say "$HOST/health" -X POST
