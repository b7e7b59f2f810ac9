package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.testkit.Database;
import dev.tenon.testkit.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** Copies, snapshots and faults. */
class WhatIfIT {
    @Test
    void branch_changesTheCopyOnly(@OrdersDatabase TestDatabase database) throws SQLException {
        // begin
        Orders orders = new Orders(database.dataSource());
        orders.place("tea");

        try (TestDatabase copy = database.branch()) {
            Orders others = new Orders(copy.dataSource());
            others.place("cake");
            assertThat(others.count()).isEqualTo(2);
        }
        assertThat(orders.count()).isEqualTo(1);

        TestDatabase.Snapshot before = database.snapshot();
        orders.place("milk");
        database.restore(before);
        assertThat(orders.count()).isEqualTo(1);

        database.reset();
        assertThat(orders.count()).isZero();
        // end
    }

    @Test
    void orders_whenTheServerCannotBeReached_fail_andWorkAgain(
            @Database(isolated = true, migrations = "classpath:db/migration") TestDatabase database)
            throws SQLException {
        Orders orders = new Orders(database.dataSource());
        database.faults().refuseConnections();
        assertThatThrownBy(() -> orders.place("tea")).isInstanceOf(SQLException.class);

        database.faults().heal();

        orders.place("tea");
        assertThat(orders.count()).isEqualTo(1);
    }
}
