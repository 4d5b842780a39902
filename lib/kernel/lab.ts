import { closeSync } from "node:fs";
import { SyscallError } from "../errors.js";
import { duplicate } from "../ffi/libc.js";
import { ALL_LINKS, changeLink, decodeLink, type Link } from "../netlink/link.js";
import type { Request } from "../netlink/message.js";
import type { Features } from "../snapshot/features.js";
import type { EntryQuery } from "../snapshot/snapshot.js";
import { isLabName, splitEnd } from "../topology/names.js";
import { type EndName, HOST } from "../topology/topology.js";
import { Ends } from "./ends.js";
import { Fresh } from "./fresh.js";
import { InterfaceFeatures } from "./interface-features.js";
import { closeLoaded, type LoadedProgram } from "./load.js";
import { isLeftName, listNames, NetnsNames, openCurrent, openNamed, within } from "./netns.js";
import { OpenNamespace } from "./open-namespace.js";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.js";
import type { PinnedMap, State } from "./state.js";
import { Sysctls } from "./sysctl.js";

/**
 * A lab while one command works on it: open namespaces, loaded programs, and the numbers behind
 * names. Nothing of it outlives the command; the kernel is the state. To be closed.
 */
export class Lab {
	readonly name: string;
	/** The alias that marks what is this lab's. */
	readonly mark: string;
	/** The programs by their name in the lab: what attachments and map entries refer to. */
	readonly programs = new Map<string, LoadedProgram>();
	/** Every program that was seen attached or was loaded, by id: what an undo attaches again. */
	readonly held = new Map<number, LoadedProgram>();
	readonly ends = new Ends((namespace) => this.has(namespace));
	/** Entries of maps that this command has written, by name: an undo looks at them as well. */
	readonly written = new Map<string, EntryQuery>();
	/** Maps from which this command has removed entries: `own config`. What comes in then, others have written. */
	readonly swept = new Set<string>();
	/** The maps that earlier commands have pinned, by path. */
	readonly pins = new Map<string, PinnedMap>();
	/** The folders that were made to pin maps in. */
	readonly folders = new Set<string>();
	/** Of the namespace that this thread is in: {@link enter}. */
	readonly sysctls = new Sysctls();
	readonly #names = new NetnsNames();
	readonly #fresh = new Fresh(this.sysctls);
	/** The namespaces that this command has made. */
	readonly #made = new Set<string>();
	readonly #unnamed: OpenNamespace[] = [];
	/** Other names of the lab's namespaces, each with what {@link inode} says. */
	readonly #aliases = new Map<string, string>();
	readonly #queued = new Set<NetlinkSocket>();
	readonly #namespaces = new Map<string, OpenNamespace>();
	#features: InterfaceFeatures | undefined;
	#owner: string | undefined;

	constructor(name: string) {
		this.name = name;
		this.mark = markOf(name);
		this.#namespaces.set(HOST, new OpenNamespace(openCurrent(), new NetlinkSocket(NETLINK_ROUTE)));
	}

	/** The open namespace of this name. */
	namespace(name: string): OpenNamespace {
		const found = this.#namespaces.get(name);
		if (!found) throw new Error(`namespace ${name} is not open`);
		return found;
	}

	/** The namespace that this thread is in whenever it is not sent elsewhere. */
	get #home(): number {
		return this.namespace(HOST).fd;
	}

	has(name: string): boolean {
		return this.#namespaces.has(name);
	}

	/** Opens a named namespace. @returns false where there is none */
	open(name: string): boolean {
		if (this.#namespaces.has(name)) return true;
		const fd = openNamed(name);
		if (fd === undefined) return false;
		try {
			const route = within(fd, () => new NetlinkSocket(NETLINK_ROUTE), this.#home);
			this.#namespaces.set(name, new OpenNamespace(fd, route));
		} catch (error) {
			closeSync(fd);
			throw error;
		}
		return true;
	}

	/** Creates a namespace, marked and with the kernel's defaults before it gets its name. */
	create(name: string): void {
		const LO = 1;
		let opened: OpenNamespace | undefined;
		try {
			const prepare = (): number => {
				opened = new OpenNamespace(openCurrent(), new NetlinkSocket(NETLINK_ROUTE));
				opened.route.queue(changeLink(LO, { up: true, alias: this.mark }), this.#owner);
				opened.route.flush();
				for (const [sysctl, value] of this.#fresh.deviations()) this.sysctls.write(sysctl, value);
				this.#namespaces.set(name, opened);
				this.#made.add(name);
				return opened.fd;
			};
			this.#names.create(name, prepare, this.#home);
		} catch (error) {
			this.#namespaces.delete(name);
			opened?.close();
			throw error;
		}
	}

	/**
	 * Makes room for the descriptors of so many namespaces. The kernel doubles a process's table of them when
	 * it is full and, where there are threads, waits for a grace period of RCU each time, some 10 ms
	 * (expand_fdtable() of fs/file.c).
	 * @returns false where the limit of open files is lower
	 */
	makeRoom(namespaces: number): boolean {
		const [ofEach, besides, always] = [2, 128, 256];
		const needed = ofEach * namespaces + besides;
		if (needed <= always) return true;
		try {
			closeSync(duplicate(this.#home, needed));
			return true;
		} catch (error) {
			if (error instanceof SyscallError && error.code === "EINVAL") return false;
			throw error;
		}
	}

	/** Takes over what an earlier command has written down and the kernel does not tell. */
	recall(state: Pick<State, "pins" | "folders"> | undefined): void {
		for (const [path, pin] of Object.entries(state?.pins ?? {})) this.pins.set(path, pin);
		for (const folder of state?.folders ?? []) this.folders.add(folder);
	}

	/** Whether this command has made the namespace. */
	isFresh(name: string): boolean {
		return this.#made.has(name);
	}

	/** Notes that an open name is but another name of a namespace of the lab, and lets go of it. */
	addAlias(name: string): void {
		const inode = this.inode(name);
		this.close(name);
		this.#aliases.set(name, inode);
	}

	/** Takes a namespace's name away, with any other that it has. It goes with the next {@link release}. */
	unname(name: string): void {
		const namespace = this.#namespaces.get(name);
		if (namespace) {
			// First: what may have lost its name is not to be taken for there because it is open.
			this.#namespaces.delete(name);
			this.#queued.delete(namespace.route);
			this.#unnamed.push(namespace);
		}
		this.#names.remove(name);
		for (const [alias, of] of this.#aliases) if (of === namespace?.inode) this.#names.remove(alias);
	}

	/** Lets go of namespaces without a name, of all at once: the kernel takes them apart together (cleanup_net()). */
	release(): void {
		for (const namespace of this.#unnamed.splice(0)) namespace.close();
	}

	/** Removes what a crash has left of making these namespaces: names without one, which are nobody's. */
	removeLeft(names: readonly string[]): void {
		const ours = new Set(names);
		for (const name of listNames()) if (ours.has(name) && isLeftName(name)) this.#names.remove(name);
	}

	/** Lets go of a namespace that is gone or is nobody's. */
	close(name: string): void {
		const namespace = this.#namespaces.get(name);
		if (namespace) this.#queued.delete(namespace.route);
		namespace?.close();
		this.#namespaces.delete(name);
	}

	/** What /proc/PID/ns/net links to for those who are in the namespace: `net:[4026531840]`. */
	inode(name: string): string {
		return this.namespace(name).inode;
	}

	/** The links of an open namespace. */
	links(name: string): Link[] {
		return this.namespace(name).route.dump(ALL_LINKS, decodeLink);
	}

	/** Runs `work` with this thread in the namespace. */
	enter<T>(name: string, work: () => T extends Promise<unknown> ? never : T): T {
		return name === HOST ? work() : within(this.namespace(name).fd, work, this.#home);
	}

	/** What is asked of the kernel until the next call is on behalf of this object; errors name it. */
	on(object: string | undefined): void {
		this.#owner = object;
	}

	get owner(): string | undefined {
		return this.#owner;
	}

	/** Queues a request in a namespace; {@link flush} sends. @param tolerate errnos that are success */
	queue(namespace: string, request: Request, tolerate: readonly number[] = []): void {
		const { route } = this.namespace(namespace);
		route.queue(request, this.#owner, tolerate);
		this.#queued.add(route);
	}

	/** Sends what is queued, in every namespace. */
	flush(): void {
		for (const socket of this.#queued) {
			this.#queued.delete(socket);
			socket.flush();
		}
	}

	/** Forgets what is queued: after an error nothing of it is sent later. */
	discard(): void {
		for (const socket of this.#queued) socket.discard();
		this.#queued.clear();
	}

	/** The names of all features that this kernel has; asked of an end, the first time. */
	featureNames(end: EndName): readonly string[] {
		return this.#featureReader.names(...this.#device(end));
	}

	features(end: EndName): Features {
		return this.#featureReader.read(...this.#device(end));
	}

	/** Switches features on or off by their long names. */
	setFeatures(end: EndName, wanted: ReadonlyMap<string, boolean>): void {
		this.#featureReader.set(...this.#device(end), wanted);
	}

	/** Has the kernel finish what it does when a link comes up. */
	settleCarrier(end: EndName): void {
		this.#featureReader.settleCarrier(...this.#device(end));
	}

	get #featureReader(): InterfaceFeatures {
		this.#features ??= new InterfaceFeatures();
		return this.#features;
	}

	#device(end: EndName): [socket: NetlinkSocket, device: string] {
		const { namespace, interface: device } = splitEnd(end);
		return [this.namespace(namespace).route, device];
	}

	/** The value that a namespace has which {@link create} has just made; null where there is no such name. */
	freshSysctl(name: string): string | null {
		return this.#fresh.sysctl(name);
	}

	/** The features of a veth that nobody has changed. */
	freshFeatures(): Features {
		return this.#fresh.features(this.#featureReader);
	}

	/** A program by its name in the lab, or by id: `fib`, `#12`. */
	program(name: string): LoadedProgram {
		const found = name.startsWith("#") ? this.held.get(Number(name.slice(1))) : this.programs.get(name);
		if (!found) throw new Error(`program ${name} is not loaded`);
		return found;
	}

	/** The ifindex of a link, also of one that is not the lab's. */
	linkIndex(namespace: string, link: string): number {
		const found =
			this.ends.find(`${namespace}:${link}`) ??
			this.links(namespace).find(({ name }) => name === link)?.index;
		if (found === undefined) throw new Error(`${namespace}:${link} is not there`);
		return found;
	}

	/** Keeps a program from being unloaded until the command ends. */
	hold(program: LoadedProgram): LoadedProgram {
		const known = this.held.get(program.id);
		if (known && known !== program) closeLoaded(program);
		this.held.set(program.id, known ?? program);
		return known ?? program;
	}

	/** Closes every descriptor; programs that are attached nowhere are unloaded by that. */
	closeAll(): void {
		this.#features?.close();
		this.#features = undefined;
		this.sysctls.close();
		for (const program of this.held.values()) closeLoaded(program);
		this.held.clear();
		this.programs.clear();
		for (const name of [...this.#namespaces.keys()]) this.close(name);
		this.release();
	}
}

/** The alias of a lab's `lo` and of its pairs within `host`. */
export function markOf(lab: string): string {
	return `${MARK}${lab}`;
}

/** The lab that an alias is the mark of; an alias is anybody's to set. */
export function labOfMark(alias: string | undefined): string | undefined {
	const name = alias?.startsWith(MARK) ? alias.slice(MARK.length) : "";
	return isLabName(name) ? name : undefined;
}

/** What every mark begins with. */
const MARK = "xdp-topology:";
