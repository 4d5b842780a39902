#!/usr/bin/env bash
# download.sh FOLDER KERNEL: QEMU into FOLDER/qemu and a Debian kernel, such as 6.1, into FOLDER/linux-KERNEL,
# each unless it is there. Needs no root: apt-get keeps its lists in FOLDER as well, and nothing is installed.
set -euo pipefail

main() {
	FOLDER=$1
	mkdir -p "$FOLDER"
	# Two runs at a time would unpack into the same folder.
	exec 9>"$FOLDER/lock"
	flock 9
	once qemu unpack_qemu
	once "linux-$2" unpack_kernel "$2"
	rm -rf "$FOLDER/apt"
}

# once NAME COMMAND…: has the command fill a folder, which gets its name when it is whole.
once() {
	local name=$1
	shift
	[[ ! -d $FOLDER/$name ]] || return 0
	TARGET=$FOLDER/$name.part
	rm -rf "$TARGET"
	mkdir "$TARGET"
	[[ -d $FOLDER/apt ]] || update
	"$@"
	mv "$TARGET" "$FOLDER/$name"
}

update() {
	mkdir -p "$FOLDER"/apt/{lists,archives}/partial
	printf 'Downloading the lists of packages …\n' >&2
	apt get -q update >"$FOLDER/apt/log" 2>&1 || {
		cat "$FOLDER/apt/log" >&2
		exit 1
	}
}

# apt get|cache ARGUMENTS…: with lists of its own. The machine's list of installed packages is read, never written.
apt() {
	local command=apt-$1
	shift
	"$command" -o Dir::State::Lists="$FOLDER/apt/lists" -o Dir::Cache="$FOLDER/apt" -o APT::Sandbox::User= \
		-o Debug::NoLocking=1 "$@"
}

# download PACKAGE…: into FOLDER/apt/packages.
download() {
	rm -rf "$FOLDER/apt/packages"
	mkdir "$FOLDER/apt/packages"
	printf 'Downloading %s …\n' "$*" >&2
	(cd "$FOLDER/apt/packages" && apt get -qq download "$@")
}

# What Debian's QEMU needs and this machine lacks, and busybox-static for the machine that QEMU runs.
unpack_qemu() {
	local needed=(qemu-system-x86 qemu-system-data seabios busybox-static) missing package
	missing=$(apt get -s --no-install-recommends install "${needed[@]}" | awk '/^Inst /{ print $2 }')
	mapfile -t needed < <(printf '%s\n' "${needed[@]}" "$missing" | awk 'NF && !seen[$1]++')
	download "${needed[@]}"
	for package in "$FOLDER"/apt/packages/*.deb; do
		dpkg-deb -x "$package" "$TARGET"
	done
}

# Of a kernel only what is needed here: the rest of its modules are drivers.
unpack_kernel() {
	local package busybox=$FOLDER/qemu/bin/busybox
	package=$(apt cache pkgnames "linux-image-$1." | grep -E "^linux-image-$1\.[^-]+(-[0-9]+)?-amd64$" | sort -V | tail -n 1) || {
		printf 'apt knows no package linux-image-%s.*-amd64\n' "$1" >&2
		exit 77
	}
	download "$package"
	dpkg-deb --fsys-tarfile "$FOLDER/apt/packages/$package"_*.deb |
		tar -x -C "$TARGET" --wildcards './boot/vmlinuz-*' './lib/modules/*/modules.*' \
			'*/kernel/fs/9p' '*/kernel/fs/netfs' '*/kernel/fs/fscache' '*/kernel/fs/overlayfs' \
			'*/kernel/drivers/virtio' '*/kernel/drivers/net/*.ko*' '*/kernel/net' \
			'*/kernel/crypto' '*/kernel/lib' '*/kernel/arch/x86/crypto' 2>"$FOLDER/apt/log" ||
		grep -q 'Not found in archive' "$FOLDER/apt/log"
	find "$TARGET" -name '*.ko.xz' -exec "$busybox" unxz {} +
	"$busybox" depmod -b "$TARGET" "$(basename "$TARGET"/lib/modules/*)"
}

main "$@"
