package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.testkit.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** A fresh database for each test. */
// begin
@Database(migrations = "classpath:db/migration")
class OrdersIT {
    @Test
    void place_anItem_isCounted(DataSource database) throws SQLException {
        Orders orders = new Orders(database);
        orders.place("tea");
        assertThat(orders.count()).isEqualTo(1);
    }

    @Test
    void count_withoutOrders_isZero(DataSource database) throws SQLException {
        assertThat(new Orders(database).count()).isZero();
    }

    @Test
    void somethingElse_inAnEmptyDatabase(@Database(name = "scratch") Connection scratch) throws SQLException {
        try (Statement statement = scratch.createStatement()) {
            statement.execute("CREATE TABLE orders (mine boolean)");
        }
    }
}
// end
