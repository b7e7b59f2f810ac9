package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.testng.TestListenerAdapter;
import org.testng.TestNG;

/** The samples for other frameworks do what they show. */
class FrameworksIT {
    @Test
    void testNg_runsItsTests_onTheirDatabases(@TempDir Path reports) {
        TestListenerAdapter results = new TestListenerAdapter();
        TestNG testNg = new TestNG(false);
        testNg.setOutputDirectory(reports.toString());
        testNg.setTestClasses(new Class<?>[] {TestNgOrders.class});
        testNg.addListener(results);

        testNg.run();

        assertThat(results.getPassedTests()).hasSize(1);
        assertThat(results.getFailedTests()).isEmpty();
    }

    /** The application. */
    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {}

    /** The testkit has migrated already. */
    @Nested
    @SpringBootTest(classes = Application.class, properties = "spring.flyway.enabled=false")
    @Import(SpringDatabases.class)
    class SpringBoot {
        @Autowired
        private DataSource database;

        @Test
        void application_getsItsDataSource() throws SQLException {
            Orders orders = new Orders(database);
            orders.place("tea");
            assertThat(orders.count()).isEqualTo(1);
        }
    }
}
