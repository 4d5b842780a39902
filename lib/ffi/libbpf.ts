import koffi from "koffi";
import { UnsupportedError } from "../errors.js";

/** A pointer into libbpf; the types of <bpf/libbpf.h> are opaque to us. */
export type Pointer = { readonly __pointer: unique symbol };

const PRINT = koffi.pointer(
	koffi.proto("int libbpf_print_fn(int level, const char *format, void *arguments)"),
);

/** The first fields of struct bpf_object_open_opts; libbpf takes as much as `sz` says. */
koffi.struct("bpf_object_open_opts", { sz: "size_t", object_name: "const char *" });

type Functions = ReturnType<typeof declare>;

function load(): Functions {
	try {
		return declare(koffi.load("libbpf.so.1"));
	} catch (error) {
		if (!(error instanceof Error)) throw error;
		const missing = /libbpf\.so\.1/.test(error.message);
		const what = missing ? "is missing" : `is needed, and this one is another (${error.message})`;
		throw new UnsupportedError(`libbpf 1.0 or newer ${what}: apt-get install libbpf1 (libbpf.so.1)`);
	}
}

function declare(lib: ReturnType<typeof koffi.load>) {
	return {
		setPrint: lib.func("libbpf_set_print", "void *", [PRINT]),
		openMem: lib.func(
			"void *bpf_object__open_mem(const void *data, size_t size, const bpf_object_open_opts *options)",
		),
		load: lib.func("int bpf_object__load(void *object)"),
		close: lib.func("void bpf_object__close(void *object)"),
		nextProgram: lib.func("void *bpf_object__next_program(void *object, void *previous)"),
		programName: lib.func("const char *bpf_program__name(void *program)"),
		programSetAutoload: lib.func("int bpf_program__set_autoload(void *program, bool autoload)"),
		programSetLogBuffer: lib.func("int bpf_program__set_log_buf(void *program, void *buffer, size_t size)"),
		programSetType: lib.func("int bpf_program__set_type(void *program, int type)"),
		programSetAttachType: lib.func("int bpf_program__set_expected_attach_type(void *program, int type)"),
		nextMap: lib.func("void *bpf_object__next_map(void *object, void *previous)"),
		mapName: lib.func("const char *bpf_map__name(void *map)"),
		mapFd: lib.func("int bpf_map__fd(void *map)"),
		mapSetPinPath: lib.func("int bpf_map__set_pin_path(void *map, const char *path)"),
		findProgram: lib.func("void *bpf_object__find_program_by_name(void *object, const char *name)"),
		programFd: lib.func("int bpf_program__fd(void *program)"),
		findMap: lib.func("void *bpf_object__find_map_by_name(void *object, const char *name)"),
		mapReuseFd: lib.func("int bpf_map__reuse_fd(void *map, int fd)"),
		mapSetMaxEntries: lib.func("int bpf_map__set_max_entries(void *map, uint32_t entries)"),
		mapInitialValue: lib.func("void *bpf_map__initial_value(void *map, _Out_ size_t *size)"),
		mapCreate: lib.func(
			"int bpf_map_create(int type, const char *name, uint32_t key_size, uint32_t value_size, uint32_t entries, const void *options)",
		),
		mapUpdate: lib.func(
			"int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)",
		),
		mapLookup: lib.func("int bpf_map_lookup_elem(int fd, const void *key, _Out_ uint8_t *value)"),
		mapLookupBatch: lib.func(
			"int bpf_map_lookup_batch(int fd, const void *in_batch, _Out_ uint32_t *out_batch, void *keys, void *values, _Inout_ uint32_t *count, const void *options)",
		),
		possibleCpus: lib.func("int libbpf_num_possible_cpus(void)"),
		mapNextKey: lib.func("int bpf_map_get_next_key(int fd, const void *key, _Out_ uint8_t *next)"),
		objPin: lib.func("int bpf_obj_pin(int fd, const char *path)"),
		objGet: lib.func("int bpf_obj_get(const char *path)"),
		mapDelete: lib.func("int bpf_map_delete_elem(int fd, const void *key)"),
		mapFreeze: lib.func("int bpf_map_freeze(int fd)"),
		progBindMap: lib.func("int bpf_prog_bind_map(int program, int map, const void *options)"),
		progLoad: lib.func(
			"int bpf_prog_load(int type, const char *name, const char *license, const void *instructions, size_t count, const void *options)",
		),
		progNextId: lib.func("int bpf_prog_get_next_id(uint32_t after, _Out_ uint32_t *id)"),
		progFdById: lib.func("int bpf_prog_get_fd_by_id(uint32_t id)"),
		mapFdById: lib.func("int bpf_map_get_fd_by_id(uint32_t id)"),
		btfFdById: lib.func("int bpf_btf_get_fd_by_id(uint32_t id)"),
		infoByFd: lib.func("int bpf_obj_get_info_by_fd(int fd, _Inout_ uint8_t *info, _Inout_ uint32_t *length)"),
	};
}

const vsnprintf = koffi
	.load("libc.so.6")
	.func("int vsnprintf(_Out_ uint8_t *buffer, size_t size, const char *format, void *arguments)");

/** libbpf's functions, loaded at first use: reading and validating files needs no libbpf. */
export class Libbpf {
	static #instance: Libbpf | undefined;
	readonly call: Functions;
	#log: string[] = [];

	private constructor() {
		this.call = load();
		// Left alone, libbpf prints to stderr by itself.
		const buffer = Buffer.alloc(1 << 16);
		const print = koffi.register((level: number, format: string, args: unknown) => {
			const LIBBPF_DEBUG = 2;
			if (level < LIBBPF_DEBUG) {
				const length = vsnprintf(buffer, buffer.length, format, args);
				this.#log.push(buffer.toString("utf8", 0, Math.min(length, buffer.length - 1)));
			}
			return 0;
		}, PRINT);
		this.call.setPrint(print);
	}

	/** @throws UnsupportedError where libbpf is not installed. */
	static get(): Libbpf {
		Libbpf.#instance ??= new Libbpf();
		return Libbpf.#instance;
	}

	/** What libbpf logged since the last call. */
	takeLog(): string {
		return this.#log.splice(0).join("");
	}

	/** The memory behind a pointer, not copied: valid as long as what it belongs to. */
	view(pointer: Pointer, size: number): Uint8Array {
		return new Uint8Array(koffi.view(pointer, size));
	}

	/** The errno of the function called last, for those that return NULL. */
	errno(): number {
		return koffi.errno();
	}
}
