package dev.tenon.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.TenonException;
import dev.tenon.spi.store.Commit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.output.MigrateResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteDataSource;

final class SchemaIT {
    @TempDir
    Path directory;

    @Test
    void scripts_inTheSources_areAllKnown() throws Exception {
        // Not through the class path: there they lie in a jar when the build runs this.
        Path folder = Path.of("src/main/resources/dev/tenon/core/store/migration");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()).sorted().toList())
                    .isEqualTo(Schema.SCRIPTS);
        }
        assertThat(Schema.SCRIPTS.get(Schema.SCRIPTS.size() - 1)).startsWith("V" + Schema.CURRENT + "__");
    }

    @Test
    void newFile_madeWithoutFlyway_isWhatFlywayMakes() throws Exception {
        Path direct = made("direct.db");
        Path migrated = directory.resolve("migrated.db");
        Migrations.apply(dataSource(migrated), Dialect.SQLITE);

        assertThat(objects(direct)).isEqualTo(objects(migrated));
    }

    @Test
    void newFile_madeWithoutFlyway_takesLaterMigrations() throws Exception {
        Path file = made("direct.db");
        Path later = Files.createDirectory(directory.resolve("later"));
        Files.writeString(later.resolve("V1000__later.sql"), "CREATE TABLE tenon_later (id INTEGER);");

        MigrateResult result = Flyway.configure()
                .dataSource(dataSource(file))
                .locations("classpath:" + Schema.LOCATION, "filesystem:" + later)
                .table(Schema.HISTORY_TABLE)
                .placeholders(Dialect.SQLITE.placeholders())
                .load()
                .migrate();

        assertThat(result.migrationsExecuted).isEqualTo(1);
        assertThat(objects(file)).anyMatch(sql -> sql.contains("tenon_later"));
    }

    @Test
    void fileOfAnOlderTenon_opened_isMigrated() throws Exception {
        Path file = directory.resolve("old.db");
        execute(file, "CREATE TABLE unrelated (id INTEGER)");

        SqliteStore store = SqliteStore.file(file);
        store.open();
        try (store) {
            store.commit(Commit.builder()
                    .addPuts(new Commit.Put("instance", "i-1", "-", "", "A", 0, 0, "{}"))
                    .build());
            assertThat(store.find("instance", "i-1")).isPresent();
        }
        assertThat(objects(file)).anyMatch(sql -> sql.contains("unrelated"));
    }

    @Test
    void fileOfANewerTenon_opened_isRefusedAndLeftAlone() throws Exception {
        Path file = made("new.db");
        execute(file, "UPDATE tenon_schema_history SET version = '999'");

        assertThatThrownBy(() -> SqliteStore.file(file).open())
                .isInstanceOfSatisfying(
                        TenonException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE))
                .hasMessageContaining("999");

        execute(file, "UPDATE tenon_schema_history SET version = '" + Schema.CURRENT + "'");
        SqliteStore store = SqliteStore.file(file);
        store.open();
        store.close();
    }

    private Path made(String name) {
        Path file = directory.resolve(name);
        SqliteStore store = SqliteStore.file(file);
        store.open();
        store.close();
        return file;
    }

    private static List<String> objects(Path file) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_master ORDER BY type, name")) {
            List<String> objects = new ArrayList<>();
            while (rows.next()) {
                objects.add(rows.getString(1));
            }
            return objects;
        }
    }

    private static void execute(Path file, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    private static SQLiteDataSource dataSource(Path file) {
        SQLiteDataSource dataSource = new SQLiteDataSource();
        dataSource.setUrl("jdbc:sqlite:" + file);
        return dataSource;
    }
}
