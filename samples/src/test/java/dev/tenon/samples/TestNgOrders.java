package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.testkit.TestDatabase;
import dev.tenon.testkit.TestDatabases;
import java.sql.SQLException;
import org.testng.annotations.AfterClass;
import org.testng.annotations.AfterMethod;
import org.testng.annotations.BeforeClass;
import org.testng.annotations.BeforeMethod;
import org.testng.annotations.Test;

/** The same with TestNG. */
// begin
public class TestNgOrders {
    private TestDatabases databases;
    private TestDatabase database;

    @BeforeClass
    public void open() {
        databases = TestDatabases.create();
    }

    @BeforeMethod
    public void lease() {
        database = databases.lease(d -> d.addMigrations("classpath:db/migration"));
    }

    @Test
    public void placesOrder() throws SQLException {
        Orders orders = new Orders(database.dataSource());
        orders.place("tea");
        assertThat(orders.count()).isEqualTo(1);
    }

    @AfterMethod
    public void giveBack() {
        database.close();
    }

    @AfterClass
    public void close() {
        databases.close();
    }
}
// end
