package dev.tenon.server;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Each test has a server of its own, with the tenant {@code shop}. */
abstract class OneTenant {
    @TempDir
    Path directory;

    TestServer server;
    String tenant;

    @BeforeEach
    void start() {
        server = TestServer.start(directory);
        tenant = server.tenant("shop");
    }

    @AfterEach
    void stop() {
        server.close();
    }
}
