package dev.tenon.engine.postgresql;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Resources;
import dev.tenon.spi.engine.Sizing;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Settings that fit a size, and the proof that the server stays inside it.
 *
 * <p>The proof counts shared memory, the server's own processes, and for every connection and parallel worker at the same time:
 * its base, its temporary buffers, and {@value #NODES} sorts or hashes that each use all they may. No bound holds for every
 * conceivable statement; this one holds for three large nodes in every session at once, which is what PGTune assumes too, but
 * without PGTune's floor of 4 MB, which breaks it on small plans.
 */
final class PostgresqlSizing {
    /** Below this, even ten connections with the least of everything do not fit. */
    static final DataSize LEAST = DataSize.mib(128);

    private static final int NODES = 3;
    private static final long MIB = 1L << 20;

    /** Private memory of a session that has read the catalogues; a fresh one takes about half of it. */
    private static final long SESSION_BASE = 3 * MIB;

    /** Postmaster, checkpointer, background and log writers, launchers: measured 14.8 MiB together on 17. */
    private static final long OWN_PROCESSES = 16 * MIB;

    /** Three workers that read for others, where they exist (18). */
    private static final long IO_WORKERS = 4 * MIB;

    private final PostgresqlVersion version;
    private final Resources resources;
    private final Map<String, ServerSetting> known;
    private final Map<String, Sizing.Setting> settings = new LinkedHashMap<>();

    private PostgresqlSizing(PostgresqlVersion version, Resources resources) {
        this.version = version;
        this.resources = resources;
        this.known = ServerSettings.of(version);
    }

    static Sizing durable(PostgresqlVersion version, Resources resources, Map<String, String> parameters) {
        PostgresqlSizing sizing = new PostgresqlSizing(version, resources);
        sizing.checkLeast();
        sizing.memory();
        sizing.processors();
        sizing.log();
        sizing.operation();
        return sizing.proven(parameters);
    }

    static Sizing ephemeral(PostgresqlVersion version, Resources resources, Map<String, String> parameters) {
        PostgresqlSizing sizing = new PostgresqlSizing(version, resources);
        sizing.checkLeast();
        sizing.throwAway();
        return sizing.proven(parameters);
    }

    private void checkLeast() {
        if (resources.memory().compareTo(LEAST) < 0) {
            throw new InvalidSpecException(
                    ErrorCode.SIZE_INVALID,
                    "resources.memory",
                    resources.memory() + "; PostgreSQL needs at least " + LEAST);
        }
    }

    private void memory() {
        long memory = resources.memory().bytes();
        long shared = Math.min(1 << 20, memory / (memory < 256 * MIB ? 6 : 4) / MIB);
        put("shared_buffers", mb(shared), "a quarter of the memory, less where there is little");
        long connections = clamp(memory / (16 * MIB), 10, 500);
        put("max_connections", connections, "one per 16 MiB of memory, 10 to 500");
        put("superuser_reserved_connections", 3, "so that the platform gets in when tenants fill the rest");
        long maintenance = clamp(memory / 32 / MIB, 4, 2_048);
        put("maintenance_work_mem", mb(maintenance), "1/32 of the memory, 4 MB to 2 GB");
        long vacuumWorkers = memory < 512 * MIB ? 1 : memory < 16L * 1024 * MIB ? 3 : 5;
        put("autovacuum_max_workers", vacuumWorkers, "more only where the memory carries them");
        long vacuum = clamp(memory / 128 / MIB, 2, 1_024);
        put("autovacuum_work_mem", mb(vacuum), "1/128 of the memory for each worker");
        long temporary = clamp(memory / connections / 16 / MIB, 1, 8);
        put("temp_buffers", mb(temporary), "counted for every session");
        put("hash_mem_multiplier", 1, "so that work_mem is what a node uses, hash or sort");
        put("huge_pages", "off", "a limit on huge pages in the place would end the server");
        put("effective_cache_size", mb(Math.max(1, memory / 4 * 3 / MIB)), "three quarters of the memory; a hint");
        put("wal_buffers", kb(clamp(shared * 1024 / 32, 512, 16_384)), "1/32 of shared_buffers, 512 kB to 16 MB");
        put("max_wal_senders", 10, "so that standbys and backups need no restart later");
        put("max_replication_slots", 10, "as above");
        int cpus = cpus();
        put(
                "max_parallel_workers",
                cpus < 2 ? 0 : Math.min(cpus, connections / 8),
                "one per processor, at most an eighth of the connections; none on less than two");
        put("max_worker_processes", Math.max(8, number("max_parallel_workers")), "parallel workers and extensions");
        long left = memory - fixed();
        long sessions = number("max_connections") + number("max_parallel_workers");
        long each = left / sessions - SESSION_BASE - temporary * MIB;
        long work = each / NODES / 1024;
        put(
                "work_mem",
                kb(Math.min(work >= 4_096 ? work / 1_024 * 1_024 : work / 64 * 64, 2_000_000)),
                "what is left, over all sessions and workers and " + NODES + " sorts or hashes in each");
    }

    private void processors() {
        int cpus = cpus();
        long gather = cpus < 2 ? 0 : Math.min(4, Math.min(cpus / 2, number("max_parallel_workers")));
        put("max_parallel_workers_per_gather", gather, "half the processors, at most 4");
        put("max_parallel_maintenance_workers", gather, "half the processors, at most 4");
        put("jit", "off", "compiling costs short statements more than it gives");
    }

    private void log() {
        long storage = resources.storage().bytes() / MIB;
        long max = clamp(storage / 10, 64, 16_384);
        put("wal_level", "replica", "so that standbys and backups need no restart later");
        put("max_wal_size", mb(max), "a tenth of the storage, 64 MB to 16 GB");
        put("min_wal_size", mb(clamp(max / 4, 32, 2_048)), "a quarter of max_wal_size");
        put("max_slot_wal_keep_size", mb(max), "a standby that is gone must not fill the disk");
        put("checkpoint_completion_target", "0.9", "spreads the writes");
        put("wal_log_hints", "on", "so that an old primary can be rewound");
        put("hot_standby", "on", "standbys answer reads");
        put("wal_retrieve_retry_interval", "50ms", "with the default of 5 s a promotion may sleep that long");
        put("wal_receiver_status_interval", "1s", "so that the primary knows its standbys' positions");
        put("temp_file_limit", mb(Math.max(64, storage / 4)), "one session must not fill the disk");
    }

    private void operation() {
        put("random_page_cost", "1.1", "solid-state storage");
        put("password_encryption", "scram-sha-256", "nothing weaker is stored");
        put("log_destination", "stderr", "the place keeps what the server prints");
        put("logging_collector", "off", "as above");
        put("log_line_prefix", "%m [%p] %q%u@%d ", "who and when");
        put("log_timezone", "UTC", "one zone everywhere");
        put("TimeZone", "UTC", "one zone everywhere; sessions choose their own");
        put("log_lock_waits", "on", "waits longer than deadlock_timeout are worth a line");
        put("log_autovacuum_min_duration", "10s", "long vacuums are worth a line");
        put("log_temp_files", "10MB", "large temporary files are worth a line");
        put("tcp_keepalives_idle", 60, "a client that vanished frees its connection");
        put("tcp_keepalives_interval", 10, "as above");
        put("tcp_keepalives_count", 6, "as above");
        put("client_connection_check_interval", "10s", "a statement ends when its client is gone");
    }

    /** Nothing needs to survive, so nothing is synced; few and small pieces, because each costs start time. */
    private void throwAway() {
        put(
                "shared_buffers",
                mb(clamp(resources.memory().bytes() / MIB / 16, 8, 128)),
                "small, so that the start is fast");
        put(
                "max_connections",
                clamp(resources.memory().bytes() / (12 * MIB), 10, 100),
                "one per 12 MiB of memory, 10 to 100");
        put("superuser_reserved_connections", 3, "so that the platform gets in when tenants fill the rest");
        put("work_mem", kb(512), "counted for every session");
        put("hash_mem_multiplier", 1, "so that work_mem is what a node uses, hash or sort");
        put("temp_buffers", mb(1), "counted for every session");
        put("maintenance_work_mem", mb(8), "counted once, and for each autovacuum worker");
        put("autovacuum_work_mem", mb(2), "counted for each worker");
        put("autovacuum_max_workers", 1, "as little as keeps statistics fresh");
        put("wal_buffers", kb(256), "small, so that the start is fast");
        put("huge_pages", "off", "nothing to gain");
        put(
                "dynamic_shared_memory_type",
                "mmap",
                "a file of the data, so that it goes with them when the server is killed");
        put("fsync", "off", "the data may be thrown away");
        put("synchronous_commit", "off", "the data may be thrown away");
        put("full_page_writes", "off", "the data may be thrown away");
        put("wal_level", "minimal", "no standby, no backup");
        put("max_wal_senders", 0, "no standby, no backup");
        put("max_replication_slots", 0, "no standby, no backup");
        put("max_wal_size", mb(64), "recycles log files early");
        put("min_wal_size", mb(2), "as above");
        put("max_worker_processes", 0, "no workers to start");
        put("max_parallel_workers", 0, "as above");
        put("max_parallel_workers_per_gather", 0, "as above");
        put("max_parallel_maintenance_workers", 0, "as above");
        put("max_logical_replication_workers", 0, "one process less to start");
        if (version.atLeast(PostgresqlVersion.V18)) {
            put("io_method", "sync", "three processes less to start");
        }
        put("jit", "off", "compiling costs short statements more than it gives");
        put("random_page_cost", "1.1", "solid-state storage");
        put("password_encryption", "scram-sha-256", "nothing weaker is stored");
        put("log_destination", "stderr", "the place keeps what the server prints");
        put("logging_collector", "off", "as above");
        put("log_checkpoints", "off", "nobody reads them");
        put("log_timezone", "UTC", "one zone everywhere");
        put("TimeZone", "UTC", "one zone everywhere; sessions choose their own");
    }

    private Sizing proven(Map<String, String> parameters) {
        parameters.forEach((name, value) -> {
            settings.remove(name);
            put(name, value, "set by the user");
        });
        List<String> proof = new ArrayList<>();
        long worst = fixed(proof) + sessions(proof);
        long memory = resources.memory().bytes();
        proof.add("sum " + human(worst) + " of " + resources.memory());
        if (worst > memory) {
            boolean users = !parameters.isEmpty();
            throw new InvalidSpecException(
                    users ? ErrorCode.PARAMETER_INVALID : ErrorCode.SIZE_INVALID,
                    users ? "parameters" : "resources.memory",
                    "the server could use " + human(worst) + ", more than the " + resources.memory() + " it has: "
                            + String.join("; ", proof));
        }
        return new Sizing(List.copyOf(settings.values()), DataSize.bytes(worst), proof);
    }

    private long fixed() {
        return fixed(new ArrayList<>());
    }

    /** What does not depend on what sessions do. */
    private long fixed(List<String> proof) {
        long buffers = bytes("shared_buffers");
        // Beside its 8 kB each buffer has a descriptor, a lock and a hash entry; measured 1.3 %, taken as 2 %.
        long shared = buffers + buffers / 50 + walBuffers(buffers);
        // Slots, locks, statistics and snapshots of each possible process.
        boolean asynchronous = version.atLeast(PostgresqlVersion.V18);
        long processes = number("max_connections")
                + number(asynchronous ? "autovacuum_worker_slots" : "autovacuum_max_workers")
                + number("max_worker_processes")
                + number("max_wal_senders")
                + 3L * number("max_prepared_transactions");
        // From 18 on each process also has its handles for asynchronous I/O.
        long perProcess = (asynchronous ? 48L : 24L) * 1024 + number("max_locks_per_transaction") * 600L;
        shared += 8 * MIB + processes * perProcess;
        proof.add("shared memory " + human(shared) + " (shared_buffers " + human(buffers) + ")");
        long own = OWN_PROCESSES + (asynchronous && !value("io_method").equals("sync") ? IO_WORKERS : 0);
        proof.add("the server's own processes " + human(own));
        long autovacuum = bytes("autovacuum_work_mem");
        long each = autovacuum < 0 ? bytes("maintenance_work_mem") : autovacuum;
        long vacuum = number("autovacuum_max_workers") * (each + SESSION_BASE);
        proof.add("autovacuum " + number("autovacuum_max_workers") + " × (" + human(each) + " + " + human(SESSION_BASE)
                + ")");
        long maintenance = bytes("maintenance_work_mem");
        proof.add("one maintenance command " + human(maintenance));
        long senders = number("max_wal_senders") * MIB;
        proof.add("WAL senders " + human(senders));
        return shared + own + vacuum + maintenance + senders;
    }

    private long sessions(List<String> proof) {
        long count = number("max_connections") + number("max_parallel_workers");
        long temporary = bytes("temp_buffers");
        double multiplier = known("hash_mem_multiplier").number(value("hash_mem_multiplier"));
        long node = (long) (bytes("work_mem") * Math.max(1, multiplier));
        long each = SESSION_BASE + temporary + NODES * node;
        proof.add(count + " sessions and parallel workers × (" + human(SESSION_BASE) + " + temp_buffers "
                + human(temporary) + " + " + NODES + " × " + human(node) + ")");
        return Math.multiplyExact(count, each);
    }

    private long walBuffers(long sharedBuffers) {
        long set = bytes("wal_buffers");
        // -1 is 1/32 of shared_buffers, at most one segment.
        return set >= 0 ? set : Math.min(sharedBuffers / 32, 16 * MIB);
    }

    private ServerSetting known(String name) {
        ServerSetting setting = known.get(name);
        if (setting == null) {
            throw new IllegalStateException("PostgreSQL " + version.text() + " has no setting " + name);
        }
        return setting;
    }

    private int cpus() {
        return resources
                .cpus()
                .setScale(0, RoundingMode.CEILING)
                .max(BigDecimal.ONE)
                .intValueExact();
    }

    private String value(String name) {
        Sizing.Setting setting = settings.get(name);
        return setting == null ? known(name).builtIn() : setting.value();
    }

    private long number(String name) {
        return (long) known(name).number(value(name));
    }

    private long bytes(String name) {
        return known(name).bytes(value(name));
    }

    private void put(String name, Object value, String reason) {
        settings.put(name, new Sizing.Setting(name, value.toString(), reason));
    }

    private static long clamp(long value, long min, long max) {
        return Math.max(min, Math.min(max, value));
    }

    private static String mb(long n) {
        return n + "MB";
    }

    private static String kb(long n) {
        return n + "kB";
    }

    private static String human(long bytes) {
        return BigDecimal.valueOf(bytes).divide(BigDecimal.valueOf(MIB), 1, RoundingMode.HALF_UP) + "MiB";
    }
}
