package dev.tenon.core.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A connection with its prepared statements. For one thread at a time. */
final class Session implements AutoCloseable {
    /** Reads one row. */
    @FunctionalInterface
    interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    // Queries differ by which filters are given; more kinds of them than this are not worth keeping.
    private static final int MAX_PREPARED = 96;

    private final Connection connection;
    private final Map<String, PreparedStatement> prepared = new LinkedHashMap<>(64, 0.75f, true);

    Session(Connection connection) {
        this.connection = connection;
    }

    Connection connection() {
        return connection;
    }

    /** Runs a statement without parameters, such as {@code BEGIN}. */
    void execute(String sql) throws SQLException {
        prepare(sql).execute();
    }

    /** Runs statements once, without keeping them. */
    void script(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // Of several statements, execute() of the SQLite driver runs only the first.
            statement.executeUpdate(sql);
        }
    }

    /** Runs a statement that changes rows; returns how many. */
    int update(String sql, Object... arguments) throws SQLException {
        return bind(prepare(sql), arguments).executeUpdate();
    }

    /** Runs a statement for each row of arguments; returns how many rows each changed. */
    int[] updateAll(String sql, List<Object[]> rows) throws SQLException {
        PreparedStatement statement = prepare(sql);
        for (Object[] row : rows) {
            bind(statement, row).addBatch();
        }
        return statement.executeBatch();
    }

    /** Returns all rows of a query. */
    <T> List<T> list(String sql, Row<T> row, Object... arguments) throws SQLException {
        try (ResultSet rows = bind(prepare(sql), arguments).executeQuery()) {
            List<T> read = new ArrayList<>();
            while (rows.next()) {
                read.add(row.read(rows));
            }
            return read;
        }
    }

    /** Returns the first row of a query. */
    <T> Optional<T> first(String sql, Row<T> row, Object... arguments) throws SQLException {
        try (ResultSet rows = bind(prepare(sql), arguments).executeQuery()) {
            return rows.next() ? Optional.of(row.read(rows)) : Optional.empty();
        }
    }

    private PreparedStatement prepare(String sql) throws SQLException {
        PreparedStatement known = prepared.get(sql);
        if (known != null) {
            return known;
        }
        if (prepared.size() >= MAX_PREPARED) {
            Iterator<PreparedStatement> eldest = prepared.values().iterator();
            eldest.next().close();
            eldest.remove();
        }
        PreparedStatement made = connection.prepareStatement(sql);
        prepared.put(sql, made);
        return made;
    }

    private static PreparedStatement bind(PreparedStatement statement, Object... arguments) throws SQLException {
        for (int i = 0; i < arguments.length; i++) {
            Object argument = arguments[i];
            if (argument instanceof String text) {
                statement.setString(i + 1, text);
            } else if (argument instanceof Long number) {
                statement.setLong(i + 1, number);
            } else if (argument instanceof Integer number) {
                statement.setInt(i + 1, number);
            } else {
                throw new IllegalArgumentException("cannot bind a " + argument.getClass());
            }
        }
        return statement;
    }

    @Override
    public void close() throws SQLException {
        prepared.clear();
        connection.close();
    }
}
