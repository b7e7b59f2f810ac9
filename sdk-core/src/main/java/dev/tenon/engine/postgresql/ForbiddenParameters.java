package dev.tenon.engine.postgresql;

import java.util.Set;
import java.util.regex.Pattern;

/** What tenants may not set, by name and by family, so that a new member of a family is refused before anybody thought of it. */
final class ForbiddenParameters {
    /** Files, libraries, commands, listeners, keys, and what replication, backups and the log rest on. */
    private static final Pattern FAMILIES = Pattern.compile(
            "(?:.*_(?:command|library|libraries|library_path|file|files_path|directory|directories)"
                    + "|(?:archive|recovery|primary|restore|ssl|krb|gss|unix_socket|listen|ldap|pam|oauth|wal_sender|wal_receiver|wal_retrieve"
                    + "|promote|hot_standby|max_standby|synchronous_standby|sync_replication|synchronized_standby|summarize|wal_summary"
                    + "|restrict_|reserved_|superuser_|debug_|trace_|zero_|ignore_|allow_|data_|event_source|syslog|bonjour).*)");

    private static final Set<String> NAMES = Set.of(
            // Listeners and who may connect.
            "port",
            "event_triggers",
            "password_encryption",
            "db_user_namespace",
            "authentication_timeout",
            "md5_password_warnings",
            "scram_iterations",
            "row_security",
            "session_replication_role",
            "lo_compat_privileges",
            // Durability.
            "fsync",
            "full_page_writes",
            "wal_level",
            "wal_log_hints",
            "wal_sync_method",
            "wal_init_zero",
            "wal_recycle",
            "synchronous_commit",
            "max_wal_size",
            "min_wal_size",
            "restart_after_crash",
            "track_commit_timestamp",
            "autovacuum",
            "vacuum_truncate",
            // Replication, backups, slots.
            "max_wal_senders",
            "max_replication_slots",
            "max_active_replication_origins",
            "max_slot_wal_keep_size",
            "idle_replication_slot_timeout",
            "wal_keep_size",
            "max_logical_replication_workers",
            "cluster_name",
            "in_hot_standby",
            "transaction_read_only",
            "default_transaction_read_only",
            // The place's disk, memory and log.
            "temp_file_limit",
            "temp_tablespaces",
            "default_tablespace",
            "huge_pages",
            "huge_page_size",
            "shared_memory_type",
            "dynamic_shared_memory_type",
            "min_dynamic_shared_memory",
            "io_method",
            "file_copy_method",
            "logging_collector",
            "log_destination",
            "log_filename",
            "log_file_mode",
            "log_rotation_age",
            "log_rotation_size",
            "log_truncate_on_rotation",
            "log_line_prefix",
            "log_timezone",
            "jit_provider",
            "exit_on_error",
            "config_file",
            "hba_file",
            "ident_file",
            "external_pid_file",
            "log_directory",
            "stats_temp_directory",
            "local_preload_libraries",
            "session_preload_libraries",
            "shared_preload_libraries",
            "dynamic_library_path",
            "extension_control_path",
            "update_process_title",
            "backtrace_functions");

    private ForbiddenParameters() {}

    static boolean contains(String name, ServerSetting setting) {
        return namedBySecurity(name) || setting.context().equals("internal");
    }

    static boolean namedBySecurity(String name) {
        return NAMES.contains(name) || FAMILIES.matcher(name).matches();
    }
}
