#!/usr/bin/env bash
# Debian sid in a folder, for its Pythons, compilers and OpenMP runtimes, which are newer than what a
# machine has that one works on.
#
#   sid.sh make FOLDER              makes it from nothing; does nothing where it is made
#   sid.sh run FOLDER COMMAND...    runs a command there, in the checkout
#
# Needs to be root on Debian, with debootstrap; a minute, and 1.5 GB. The packages come from where
# this machine's do.
#
# Nothing stays mounted: what a command needs is mounted in a mount namespace of its own, which ends
# with it, and is in nobody else's sight. So `rm -rf FOLDER` removes that folder and nothing else.
set -euo pipefail

fail() {
  echo "sid.sh: $1" >&2
  exit 1
}

checkout=$(realpath "$(dirname "$0")/../..")

# Calls a function of this file where what it mounts is gone when it has ended.
apart() {
  unshare --mount --propagation private -- bash "$0" "in-namespace" "$@"
}

enter() {
  local folder=$1
  shift
  mount -t proc proc "$folder/proc"
  mount --rbind /sys "$folder/sys"
  mount --rbind /dev "$folder/dev"
  mount --bind "$checkout" "$folder/checkout"
  # How this machine reaches what it may, and pip's settings.
  for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [[ ! -e $file ]] || install -D -m 644 "$file" "$folder$file"
  done
  exec env -i DEBIAN_FRONTEND=noninteractive HOME=/root LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot "$folder" sh -c 'cd /checkout && exec "$@"' sh "$@"
}

# A mirror may be weeks behind.
install_packages() {
  # shellcheck disable=SC2016  # for the shell in there
  enter "$1" sh -euc '
    apt-get -q -o Acquire::Check-Valid-Until=false update
    apt-get -qy install --no-install-recommends binutils ca-certificates g++ libgomp1 libomp5 \
      $(apt-cache search --names-only "^python3\.[0-9]+-(dev|venv)$" | cut -d " " -f 1)
    apt-get clean'
}

make() {
  local folder=$1 mirror
  [[ ! -e $folder/checkout ]] || return 0
  [[ ! -e $folder ]] || fail "$folder is there, and is not of this script's making: name another."
  command -v debootstrap > /dev/null || fail "it needs debootstrap: apt-get install debootstrap"
  # shellcheck disable=SC2016  # for apt
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -1)
  [[ $mirror ]] || fail "apt knows no mirror of Debian here: apt-get update"
  mkdir -p "$(dirname "$folder")"
  part=$(mktemp -d "$folder.XXXXXX")
  chmod 755 "$part"
  trap 'rm -rf --one-file-system "$part"' EXIT
  apart debootstrap --variant=minbase sid "$part" "$mirror"
  mkdir "$part/checkout"
  apart install_packages "$part"
  mv -T "$part" "$folder"
}

[[ $# -ge 2 ]] || fail "make FOLDER, or run FOLDER COMMAND..."
[[ $EUID -eq 0 ]] || fail "it needs root."
case $1 in
  make) make "$(realpath -m "$2")" ;;
  run)
    [[ -e $2/checkout ]] || fail "$2 is not made yet: sid.sh make $2"
    [[ $# -ge 3 ]] || fail "run FOLDER COMMAND..."
    apart enter "$(realpath "$2")" "${@:3}"
    ;;
  in-namespace) "${@:2}" ;;
  *) fail "make FOLDER, or run FOLDER COMMAND..., not $1" ;;
esac
