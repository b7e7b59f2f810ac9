package dev.tenon.samples;

import dev.tenon.testkit.TestDatabase;
import dev.tenon.testkit.TestDatabases;
import org.springframework.boot.autoconfigure.jdbc.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

/** Tells Spring Boot where its database is, as its own service connections do. */
// begin
@TestConfiguration(proxyBeanMethods = false)
class SpringDatabases {
    @Bean
    TestDatabases databases() {
        return TestDatabases.create();
    }

    @Bean
    TestDatabase database(TestDatabases databases) {
        return databases.lease(d -> d.addMigrations("classpath:db/migration"));
    }

    @Bean
    JdbcConnectionDetails connectionDetails(TestDatabase database) {
        return new JdbcConnectionDetails() {
            @Override
            public String getJdbcUrl() {
                return database.url();
            }

            @Override
            public String getUsername() {
                return database.credential().user();
            }

            @Override
            public String getPassword() {
                return database.credential().password().reveal(text -> text);
            }
        };
    }
}
// end
