#!/usr/bin/env bash
# Backs up or restores the store of a deployed stack, as a job on the stack's network: nothing outside reaches the store.
#
#   deploy/backup_stack.sh DIR backup FOLDER [options of `podcast backup`]
#   deploy/backup_stack.sh DIR restore FOLDER [options of `podcast restore`]
#
# DIR is the folder of the deployment, FOLDER one on this manager, for the user 10001. The secret that the job gets, the
# operator's address of the store, is removed with it.
set -euo pipefail

usage() {
    sed -n '4,5s/^#   /usage: /p' "$0" >&2
    exit 2
}
[ $# -ge 3 ] || usage
directory=$1 command=$2 folder=$3
shift 3
case $command in backup | restore) ;; *) usage ;; esac

say() { printf '%s\n' "backup: $*" >&2; }

[ -f "$directory/stack.env" ] || {
    say "$directory has no stack.env: name the folder that podcast deploy init has made"
    exit 2
}
set -a
# shellcheck disable=SC1091 - made by podcast deploy init
. "$directory/stack.env"
set +a
stack=${PODCAST_STACK:-podcast}
secret=$directory/secrets/store_url_operator

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# An empty folder is handed to the user of the images; any other must be theirs already.
if [ -z "$(ls -A "$folder")" ]; then
    chown 10001:10001 "$folder"
    chmod 700 "$folder"
fi

name=${stack}_$command-$(date +%Y%m%d-%H%M%S)
leave() {
    docker service rm "$name" >/dev/null 2>&1 || true
    docker secret rm "$name" >/dev/null 2>&1 || true
}
trap leave EXIT
trap 'exit 130' INT TERM

docker secret create "$name" - <"$secret" >/dev/null
extra=()
if [ -n "${PODCAST_BACKUP_CREATE_OPTIONS:-}" ]; then read -ra extra <<<"$PODCAST_BACKUP_CREATE_OPTIONS"; fi
docker service create --detach --quiet --name "$name" \
    --mode replicated-job --restart-condition none --no-healthcheck --with-registry-auth \
    --constraint "node.id==$(docker info --format '{{.Swarm.NodeID}}')" \
    --network "${stack}_store" \
    --user 10001:10001 --read-only --cap-drop ALL --init \
    --mount type=tmpfs,target=/tmp --mount "type=bind,source=$folder,target=/backup" \
    --secret "source=$name,target=store_url,uid=10001,gid=10001,mode=0400" \
    --env PODCAST_STORE_URL_FILE=/run/secrets/store_url --env PODCAST_STATE_DIR=/tmp/state \
    "${extra[@]}" \
    "${PODCAST_IMAGES:-podcast}/services:$PODCAST_TAG" podcast "$command" /backup "$@" >/dev/null

while true; do
    state=$(docker service ps --no-trunc --format '{{.CurrentState}}|{{.Error}}' "$name" | head -n 1)
    case $state in
    Complete*) break ;;
    Failed* | Rejected* | Orphaned* | Remove* | Shutdown*)
        docker service logs --raw "$name" >&2 || true
        say "the job ended: ${state#*|}"
        exit 1
        ;;
    esac
    sleep 1
done
docker service logs --raw "$name"
