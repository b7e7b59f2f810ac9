package dev.tenon.api;

/**
 * The control plane in this process: delivers databases and keeps them as they shall be until closed. Thread-safe.
 *
 * <pre>{@code
 * try (Tenon tenon = Tenon.builder().directory(Path.of("tenon-data")).delivery(LocalDelivery.create()).build()) {
 *     Tenant shop = tenon.tenants().create(t -> t.name("shop"));
 *     Instance orders = shop.instances()
 *             .create(i -> i.name("orders").engine(POSTGRESQL, "17").plan("small"))
 *             .await(Duration.ofMinutes(1));
 * }
 * }</pre>
 *
 * <p>Durable instances go on when it is closed or its process is killed; the next control plane on the same directory or store
 * takes them over.
 */
public interface Tenon extends AutoCloseable {
    /** Returns a builder; not safe for use by several threads. */
    static TenonBuilder builder() {
        return new TenonBuilder();
    }

    /** Returns the same control plane with calls made in another name. */
    Tenon as(Actor actor);

    /**
     * Returns the same control plane for one change that may be asked for again, by a caller that lost the answer. Every call that
     * starts an operation in a tenant first looks for an operation of that tenant that was started under this key. If there is
     * one with the same fingerprint, it is returned and nothing else happens, whatever state the instance is in by now; if its
     * fingerprint differs, the call is refused. Otherwise key, fingerprint and operation are kept in one commit, for as long as
     * the operation is known, so that this also holds after a restart and between several control planes.
     *
     * @throws InvalidSpecException {@code IDEMPOTENCY_MISMATCH}, from the call that would have started the operation;
     *     {@code UNSUPPORTED} from this one if the control plane cannot do it
     */
    default Tenon under(RequestKey key) {
        throw new InvalidSpecException(
                ErrorCode.UNSUPPORTED, "requestKey", "this control plane does not remember requests");
    }

    /** Returns all tenants. */
    Tenants tenants();

    /** Finds a tenant by its technical name; {@code NOT_FOUND} if there is none. */
    default Tenant tenant(String name) {
        return tenants().find(name).orElseThrow(() -> new NotFoundException("no tenant of this name"));
    }

    /** Returns what can be ordered. */
    Catalogue catalogue();

    /** Returns operations of all tenants. */
    Operations operations();

    /** Returns events of the whole installation. */
    Events events();

    /** Returns whether the store and the places answer; for health checks. */
    boolean healthy();

    /** Stops the control plane: no new operations, running steps end, leases are given back. Ephemeral instances end. */
    @Override
    void close();
}
