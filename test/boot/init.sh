#!/bin/busybox sh
# shellcheck shell=dash
#
# The first process of the booted kernel, in the initramfs: makes a root of the machine's own files, which are shared
# over 9p and read-only, with a tmpfs over them, and runs test/boot/guest.sh there. What the host shares as "out" can
# be written; its files say where guest.sh is, what it is given, and where this machine looks for commands.
b=/bin/busybox
fail() {
	echo "init: $*"
	$b poweroff -f
}

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in virtio_pci 9pnet_virtio 9p overlay; do
	$b modprobe "$module" || fail "cannot load $module"
done
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro root /lower || fail "cannot mount the root"
$b mount -t tmpfs -o size=80% tmpfs /changes
$b mkdir /changes/upper /changes/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/changes/upper,workdir=/changes/work overlay /new || fail "cannot mount overlay"

$b mount -t proc proc /new/proc
$b mount -t sysfs sys /new/sys
$b mount -t devtmpfs dev /new/dev
$b mkdir -p /new/dev/shm /new/dev/pts
$b mount -t tmpfs tmpfs /new/dev/shm
$b mount -t devpts devpts /new/dev/pts
$b ln -s /proc/self/fd /new/dev/fd
$b ln -s fd/0 /new/dev/stdin
$b ln -s fd/1 /new/dev/stdout
$b ln -s fd/2 /new/dev/stderr
$b mount -t tmpfs tmpfs /new/run

# What the host reads is written here.
$b mkdir -p /new/run/lock /new/run/kernel-test/out
$b mount -t 9p -o trans=virtio,version=9p2000.L,cache=none out /new/run/kernel-test/out || fail "cannot mount out"
# The kernel asks for modules in the initramfs, where kernel threads have their root: init_fs.
$b mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,ro modules /lib/modules || fail "cannot mount modules"
$b mkdir -p /sbin
$b ln -s $b /sbin/modprobe

checkout=$($b cat /new/run/kernel-test/out/checkout)
arguments=$($b cat /new/run/kernel-test/out/arguments)
PATH=$($b cat /new/run/kernel-test/out/path)
export PATH
cd /new || fail "no root"
# shellcheck disable=SC2086 # words
$b chroot /new /bin/bash "$checkout/test/boot/guest.sh" $arguments </new/dev/null >/new/dev/console 2>&1
$b sync
$b poweroff -f
