package dev.tenon.spi.delivery;

/** What a place may or may not be able to do. A missing capability is refused with {@code UNSUPPORTED}, never skipped. */
public enum Capability {
    /** Members outlive the control plane's process. */
    DURABLE,
    /** Members can be tied to the control plane's process. */
    EPHEMERAL,
    /** A processor limit is enforced. */
    CPU_LIMIT,
    /** A memory limit is enforced. */
    MEMORY_LIMIT,
    /** A storage limit is enforced. */
    STORAGE_LIMIT,
    /** Limits can change while the member runs. */
    RESIZE_IN_PLACE,
    /** Several hosts, so that members of one instance can be kept apart. */
    SEVERAL_HOSTS,
    /** Commands can be run beside a running member. */
    EXEC,
    /** A directory can be filled from a stream, so that a standby can be copied from its primary. */
    FILL,
    /** What lies on a host that does not answer can be given up: the place removes it when the host is back. */
    GIVE_UP
}
