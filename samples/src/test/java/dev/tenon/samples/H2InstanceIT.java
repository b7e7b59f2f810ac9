package dev.tenon.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.Cidr;
import dev.tenon.api.Credential;
import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.Instance;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.spi.workload.Software;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A control plane with an engine and a delivery that it has never heard of. */
class H2InstanceIT {
    private static final String VERSION = "2.4";

    @TempDir
    private Path directory;

    @Test
    void controlPlane_withEngineAndDelivery_deliversADatabase() throws SQLException {
        Duration patience = Duration.ofMinutes(2);
        try (Tenon tenon = Tenon.builder()
                .directory(directory.resolve("tenon"))
                .engine(new H2Engine())
                .delivery(new ProcessDelivery(
                        directory.resolve("members"),
                        Map.of(new Software(H2Engine.H2, VERSION), H2Software.install(directory.resolve("software")))))
                .build()) {
            Tenant shop = tenon.tenants().create(t -> t.name("shop")
                    .quota(q -> q.cpus(8).memory(DataSize.gib(16)).storage(DataSize.gib(200))));
            assertThatThrownBy(() -> shop.instances()
                            .create(i -> i.name("near")
                                    .engine(H2Engine.H2, VERSION)
                                    .plan("small")
                                    .whitelist(List.of(Cidr.parse("10.0.0.0/8"))))
                            .await(patience))
                    .isInstanceOfSatisfying(InvalidSpecException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.UNSUPPORTED));
            Instance orders = shop.instances()
                    .create(i -> i.name("orders").engine(H2Engine.H2, VERSION).plan("small"))
                    .await(patience);
            DataSource owner = orders.dataSource();
            assertThat(count(owner, "CREATE TABLE visit (id INT)", "INSERT INTO visit VALUES (1), (2)"))
                    .isEqualTo(2);
            Credential reader = orders.accounts()
                    .create("reader", Optional.empty(), Set.of(Grant.READ))
                    .await(patience);
            DataSource reads = as(reader, owner);
            assertThat(count(reads)).isEqualTo(2);
            assertThatThrownBy(() -> count(reads, "DELETE FROM visit")).hasMessageContaining("rights");
            try (Connection open = reads.getConnection()) {
                long session = orders.sessions().list().stream()
                        .filter(each -> each.account().equals("reader"))
                        .findFirst()
                        .orElseThrow()
                        .id();
                orders.sessions().terminate(session);
                assertThatThrownBy(() -> open.createStatement().execute("SELECT 1"))
                        .isInstanceOf(SQLException.class);
            }
            orders.delete().await(patience);
            orders.purge().await(patience);
        }
    }

    private static DataSource as(Credential account, DataSource owner) throws SQLException {
        JdbcDataSource source = new JdbcDataSource();
        try (Connection connection = owner.getConnection()) {
            source.setUrl(connection.getMetaData().getURL() + ";SCHEMA=" + H2Session.quote(connection.getSchema()));
        }
        source.setUser(account.user());
        source.setPassword(account.password().reveal(text -> text));
        return source;
    }

    private static int count(DataSource source, String... first) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : first) {
                statement.execute(sql);
            }
            try (ResultSet row = statement.executeQuery("SELECT COUNT(*) FROM visit")) {
                row.next();
                return row.getInt(1);
            }
        }
    }
}
