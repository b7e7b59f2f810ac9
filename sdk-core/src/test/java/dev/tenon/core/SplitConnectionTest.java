package dev.tenon.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.time.Ticker;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

final class SplitConnectionTest {
    private final List<String> calls = new ArrayList<>();
    private final AtomicLong now = new AtomicLong();
    private final AtomicInteger connects = new AtomicInteger();
    private boolean reachable = true;
    private boolean fresh = true;
    private boolean broken;
    private final Connection split = SplitConnection.of(
            fake("primary"),
            new SplitConnection.Standbys(
                    source(),
                    (primary, standby, staleness) -> {
                        if (broken) {
                            throw new SQLException("gone", "08006");
                        }
                        return fresh;
                    },
                    Duration.ZERO,
                    new AtomicLong(),
                    new Ticker() {
                        @Override
                        public long nanos() {
                            return now.get();
                        }

                        @Override
                        public long waitFor(long nanos) {
                            return nanos;
                        }
                    }));

    private Connection fake(String name) {
        return (Connection) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                    calls.add(name + "." + method.getName());
                    return method.getReturnType() == boolean.class
                            ? !method.getName().equals("isClosed") || (broken && name.equals("standby"))
                            : null;
                });
    }

    private DataSource source() {
        return (DataSource) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {DataSource.class}, (proxy, method, args) -> {
                    connects.incrementAndGet();
                    if (!reachable) {
                        throw new SQLException("refused", "08001");
                    }
                    return fake("standby");
                });
    }

    private String statement() throws SQLException {
        calls.clear();
        split.createStatement();
        return calls.get(0);
    }

    @Test
    void readOnly_standbyIsFresh_readsThere() throws SQLException {
        assertThat(statement()).isEqualTo("primary.createStatement");
        split.setReadOnly(true);
        assertThat(statement()).isEqualTo("standby.createStatement");
        split.setReadOnly(false);
        assertThat(statement()).isEqualTo("primary.createStatement");
        split.setReadOnly(true);
        assertThat(connects).as("connected once").hasValue(1);
        calls.clear();
        split.close();
        assertThat(calls).containsExactlyInAnyOrder("primary.close", "standby.close");
    }

    @Test
    void readOnly_standbyIsBehind_primaryServesUntilItIsNot() throws SQLException {
        fresh = false;
        split.setReadOnly(true);
        assertThat(statement()).isEqualTo("primary.createStatement");
        split.setReadOnly(false);
        fresh = true;
        split.setReadOnly(true);
        assertThat(statement()).isEqualTo("standby.createStatement");
    }

    @Test
    void readOnly_noStandbyReachable_primaryServesAndNobodyWaitsAgainAtOnce() throws SQLException {
        reachable = false;
        split.setReadOnly(true);
        assertThat(statement()).isEqualTo("primary.createStatement");
        split.setReadOnly(false);
        split.setReadOnly(true);
        assertThat(connects).hasValue(1);
        reachable = true;
        now.addAndGet(Duration.ofSeconds(3).toNanos());
        split.setReadOnly(false);
        split.setReadOnly(true);
        assertThat(statement()).isEqualTo("standby.createStatement");
    }

    @Test
    void readOnly_standbyWentAway_isClosedAndThePrimaryServes() throws SQLException {
        split.setReadOnly(true);
        split.setReadOnly(false);
        broken = true;
        calls.clear();
        split.setReadOnly(true);
        assertThat(calls).contains("standby.close");
        assertThat(statement()).isEqualTo("primary.createStatement");
        assertThat(connects).as("another one was tried").hasValue(2);
    }

    @Test
    void notReadOnly_standbyBrokeWhileItWasRead_goesOnAtThePrimary() throws SQLException {
        split.setReadOnly(true);
        broken = true;
        split.setReadOnly(false);
        assertThat(statement()).isEqualTo("primary.createStatement");
    }

    @Test
    void readOnly_serializable_readsFromThePrimary() throws SQLException {
        split.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        split.setReadOnly(true);
        assertThat(statement()).isEqualTo("primary.createStatement");
        assertThat(connects).hasValue(0);
    }

    @Test
    void settings_madeBefore_holdOnTheStandbyToo() throws SQLException {
        split.setAutoCommit(false);
        calls.clear();
        split.setReadOnly(true);
        assertThat(calls).contains("standby.setAutoCommit");
        calls.clear();
        split.setAutoCommit(true);
        assertThat(calls).containsExactlyInAnyOrder("primary.setAutoCommit", "standby.setAutoCommit");
    }
}
