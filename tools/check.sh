#!/bin/sh
# Every static check, in order. A check whose tool is missing prints NOT RUN and fails the whole: it never counts as passed.
set -u
status=0
check() {
  name=$1; tool=$2; shift 2
  if [ ! -x ".venv/bin/$tool" ]; then printf 'NOT RUN: %s (.venv/bin/%s is missing; run make clean and make check)\n' "$name" "$tool"; status=1; return; fi
  if out=$(".venv/bin/$tool" "$@" 2>&1); then printf 'ok       %s\n' "$name"; else printf 'FAILED   %s\n%s\n' "$name" "$out"; status=1; fi
}
check format   ruff format --check .
check lint     ruff check .
check types    mypy
check imports  lint-imports
# The deployment files, offline: neither tool needs an engine. "check" stands in for the secrets that a user gives.
export GRANTWIRE_POSTGRES_PASSWORD=check GRANTWIRE_NATS_PASSWORD=check GRANTWIRE_ADMIN_TOKEN=check
export GRANTWIRE_SECRET_KEY_FILE=check
export AWS_ACCESS_KEY_ID=check AWS_SECRET_ACCESS_KEY=check
check compose    docker-compose --env-file /dev/null -f docker-compose.yml config -q
check compose-aws docker-compose --env-file /dev/null -f docker-compose.yml -f deploy/compose.aws.yml config -q
check dockerfile hadolint deploy/Dockerfile
exit $status
