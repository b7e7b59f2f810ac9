package dev.tenon.samples;

import static dev.tenon.api.DataSize.gib;
import static dev.tenon.api.EngineId.POSTGRESQL;

import dev.tenon.api.Instance;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/** A database of one's own; run it again and it is still there. */
public final class FirstDatabase {
    private FirstDatabase() {}

    /** Takes the directory to keep everything in, {@code tenon-data} if none is given. */
    public static void main(String[] arguments) throws SQLException {
        Path directory = Path.of(arguments.length > 0 ? arguments[0] : "tenon-data");
        System.out.println("visits so far: " + visit(directory));
    }

    static int visit(Path directory) throws SQLException {
        // begin
        try (Tenon tenon = Tenon.builder()
                .directory(directory)
                .delivery(LocalDelivery.create())
                .build()) {
            Tenant shop = tenon.tenants().find("shop").orElseGet(() -> tenon.tenants()
                    .create(t ->
                            t.name("shop").quota(q -> q.cpus(8).memory(gib(16)).storage(gib(200)))));
            Instance orders = shop.instances().find("orders").orElseGet(() -> shop.instances()
                    .create(i -> i.name("orders").engine(POSTGRESQL, "17").plan("small"))
                    .await(Duration.ofMinutes(1)));
            try (Connection connection = orders.dataSource().getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("CREATE TABLE IF NOT EXISTS visit (at timestamptz NOT NULL DEFAULT now())");
                statement.execute("INSERT INTO visit DEFAULT VALUES");
                try (ResultSet visits = statement.executeQuery("SELECT count(*) FROM visit")) {
                    visits.next();
                    return visits.getInt(1);
                }
            }
        }
        // end
    }
}
