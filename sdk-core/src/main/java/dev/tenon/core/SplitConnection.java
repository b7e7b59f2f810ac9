package dev.tenon.core;

import dev.tenon.core.time.Ticker;
import dev.tenon.spi.engine.ConnectionInfo.Freshness;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to its user; inside, one to the primary, and one to a standby from when it is first set read-only. Where no standby
 * can be reached, or none has seen enough, the primary serves reads, too. As thread-safe as a connection is.
 */
final class SplitConnection implements InvocationHandler {
    private static final Logger log = LoggerFactory.getLogger(SplitConnection.class);
    private static final Set<String> SETTINGS = Set.of(
            "setAutoCommit",
            "setTransactionIsolation",
            "setSchema",
            "setCatalog",
            "setHoldability",
            "setClientInfo",
            "setNetworkTimeout");

    /**
     * How the connections of one source find standbys.
     *
     * @param source of connections to standbys
     * @param freshness knows how far behind a standby is
     * @param staleness how far behind the primary a standby may be
     * @param notBefore when standbys are tried again after none could be reached, by {@code ticker}
     */
    record Standbys(DataSource source, Freshness freshness, Duration staleness, AtomicLong notBefore, Ticker ticker) {
        private static final long PAUSE = Duration.ofSeconds(2).toNanos();

        private @Nullable Connection connect() {
            if (ticker.nanos() - notBefore.get() < 0) {
                return null;
            }
            try {
                return source.getConnection();
            } catch (SQLException e) {
                notBefore.set(ticker.nanos() + PAUSE);
                log.debug("no standby can be reached; the primary serves reads: {}", e.getMessage());
                return null;
            }
        }
    }

    private final Connection primary;
    private final Standbys standbys;
    /** What was set on the one holds for the other, too. */
    private final Map<Object, Setting> settings = new LinkedHashMap<>();

    private @Nullable Connection standby;
    private Connection current;

    private record Setting(Method method, Object[] arguments) {}

    private SplitConnection(Connection primary, Standbys standbys) {
        this.primary = primary;
        this.standbys = standbys;
        this.current = primary;
    }

    static Connection of(Connection primary, Standbys standbys) {
        return (Connection) Proxy.newProxyInstance(
                SplitConnection.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                new SplitConnection(primary, standbys));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] args) throws Throwable {
        Object[] arguments = args == null ? new Object[0] : args;
        switch (method.getName()) {
            case "equals" -> {
                return proxy == arguments[0];
            }
            case "hashCode" -> {
                return System.identityHashCode(proxy);
            }
            case "toString" -> {
                return current.toString();
            }
            case "unwrap", "isWrapperFor" -> {
                if (((Class<?>) arguments[0]).isInstance(proxy)) {
                    return method.getName().equals("unwrap") ? proxy : Boolean.TRUE;
                }
                return call(current, method, arguments);
            }
            case "setReadOnly" -> {
                if (current == standby && current.isClosed()) {
                    forgetStandby();
                }
                // Refused by the driver while a transaction is open, so that none is ever torn apart.
                call(current, method, arguments);
                primary.setReadOnly((Boolean) arguments[0]);
                current = (Boolean) arguments[0] ? reader() : primary;
                return null;
            }
            case "isReadOnly" -> {
                return primary.isReadOnly();
            }
            case "isClosed" -> {
                return primary.isClosed();
            }
            case "isValid" -> {
                if (standby != null && !standby.isValid((Integer) arguments[0])) {
                    forgetStandby();
                }
                return primary.isValid((Integer) arguments[0]);
            }
            case "close", "abort" -> {
                if (standby != null) {
                    call(standby, method, arguments);
                }
                return call(primary, method, arguments);
            }
            default -> {
                if (SETTINGS.contains(method.getName())) {
                    settings.put(
                            method.getName() + (arguments.length > 1 ? arguments[0] : ""),
                            new Setting(method, arguments));
                    if (standby != null) {
                        call(standby, method, arguments);
                    }
                    return call(primary, method, arguments);
                }
                return call(current, method, arguments);
            }
        }
    }

    /** Returns who serves the reads to come. No standby can tell what is serializable on the primary. */
    private Connection reader() throws Throwable {
        Setting isolation = settings.get("setTransactionIsolation");
        if (isolation != null && isolation.arguments()[0].equals(Connection.TRANSACTION_SERIALIZABLE)) {
            return primary;
        }
        for (int tries = 0; tries < 2; tries++) {
            boolean kept = standby != null;
            if (standby == null) {
                standby = standbys.connect();
                if (standby == null) {
                    return primary;
                }
            }
            try {
                standby.setReadOnly(true);
                if (!kept) {
                    for (Setting setting : settings.values()) {
                        call(standby, setting.method(), setting.arguments());
                    }
                }
                return standbys.freshness().within(primary, standby, standbys.staleness()) ? standby : primary;
            } catch (SQLException e) {
                log.debug("a standby went away: {}", e.getMessage());
                forgetStandby();
                if (!kept) {
                    return primary;
                }
            }
        }
        return primary;
    }

    private void forgetStandby() {
        Connection lost = standby;
        standby = null;
        current = primary;
        if (lost != null) {
            try {
                lost.close();
            } catch (SQLException e) {
                log.debug("closing the connection to a standby that went away: {}", e.getMessage());
            }
        }
    }

    private static @Nullable Object call(Connection on, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(on, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
