package dev.tenon.testkit;

import dev.tenon.api.Credential;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InvalidSpecException;
import java.sql.Connection;
import java.time.Duration;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A leased database as a test sees it. */
final class LeasedDatabase implements TestDatabase {
    private final Lease lease;
    private final Lease.Address address;
    private final LeasedDataSource source;
    private final Duration keep;
    private final Optional<ServerFaults> faults;
    private final BiConsumer<TestDatabase, Lease> giveBack;
    private final Queue<LeasedDatabase> branches = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Only of this database. */
    private record Taken(LeasedDatabase of, String copy) implements Snapshot {}

    /**
     * @param ready a connection opened beforehand
     * @param faults of its own server, if it has one
     * @param giveBack what becomes of the lease in the end
     */
    LeasedDatabase(
            Lease lease,
            @Nullable Connection ready,
            Duration keep,
            Optional<ServerFaults> faults,
            BiConsumer<TestDatabase, Lease> giveBack) {
        this.lease = lease;
        this.address = faults.map(own -> own.through(lease.address())).orElse(lease.address());
        this.source = new LeasedDataSource(address, ready);
        this.keep = keep;
        this.faults = faults;
        this.giveBack = giveBack;
    }

    @Override
    public String url() {
        return address.url();
    }

    @Override
    public Credential credential() {
        return new Credential(address.user(), address.password());
    }

    @Override
    public String name() {
        return address.database();
    }

    @Override
    public DataSource dataSource() {
        return source;
    }

    @Override
    public void reset() {
        source.alone(false, () -> {
            lease.reset();
            return this;
        });
    }

    @Override
    public TestDatabase branch() {
        Lease copy = source.alone(true, lease::branch);
        LeasedDatabase branch = new LeasedDatabase(copy, null, keep, faults, (database, lent) -> lent.close());
        branches.add(branch);
        return branch;
    }

    @Override
    public Snapshot snapshot() {
        return new Taken(this, source.alone(true, lease::snapshot));
    }

    @Override
    public void restore(Snapshot snapshot) {
        if (!(snapshot instanceof Taken taken) || taken.of() != this) {
            throw new InvalidSpecException("snapshot", "is of another database");
        }
        source.alone(false, () -> {
            lease.restore(taken.copy());
            return this;
        });
    }

    @Override
    public Faults faults() {
        return ownServer();
    }

    @Override
    public Instance instance() {
        return ownServer().instance();
    }

    private ServerFaults ownServer() {
        return faults.orElseThrow(() -> new InvalidSpecException(
                ErrorCode.UNSUPPORTED,
                "isolated",
                "the server of this database serves other tests, too; ask for @Database(isolated = true)"));
    }

    @Override
    public String keep() {
        if (faults.isPresent()) {
            return "the database had a server of its own, which ends with this JVM; random faults had the seed "
                    + ownServer().seed();
        }
        return lease.keep(keep);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            branches.forEach(LeasedDatabase::close);
            source.alone(false, () -> this);
            giveBack.accept(this, lease);
        }
    }
}
