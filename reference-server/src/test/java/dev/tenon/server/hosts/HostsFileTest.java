package dev.tenon.server.hosts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.server.http.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostsFileTest {
    private static final String KEY =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    @TempDir
    Path directory;

    @BeforeEach
    void secrets() throws IOException {
        secret("key", "rw-------");
        secret("password", "rw-------");
        secret("open", "rw-r--r--");
    }

    private void secret(String name, String permissions) throws IOException {
        Path file = Files.writeString(directory.resolve(name), "not shown anywhere\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    private SshDelivery read(String content) throws IOException {
        Path file = Files.writeString(directory.resolve("hosts.json"), content.replace('\'', '"'));
        return new HostsFile(file)
                .describe(SshDelivery.builder(), Json.mapper())
                .build();
    }

    @Test
    void describe_whole_isTaken() throws Exception {
        assertThat(read("{'hosts': [{'name': 'db1', 'zone': 'a', 'address': '192.0.2.11', 'port': 2222, 'user': 'ops',"
                                + " 'privateKeyFile': 'key', 'hostKeys': ['" + KEY
                                + "'], 'clientAddress': 'db1.example',"
                                + " 'memberAddress': '10.0.0.1', 'listen': '10.0.0.1', 'labels': {'rack': '7'}},"
                                + " {'name': 'db2', 'address': '192.0.2.12', 'passwordFile': 'password', 'hostKeys': ['"
                                + KEY + "']}]}")
                        .id())
                .isEqualTo("hosts");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            nonsense                                                     | line 1
            {}                                                           | has no hosts
            {'hosts': []}                                                | has no hosts
            {'hosts': [{'address': '192.0.2.1'}]}                        | host number 1: host.name: is missing
            {'hosts': [{'name': 'db1'}]}                                 | host db1: host.address: is missing
            {'hosts': [{'name': 'DB', 'address': '192.0.2.1', 'passwordFile': 'password', 'hostKeys': ['k']}]} | host.name
            {'hosts': [{'name': 'db1', 'address': '192.0.2.1', 'passwordFile': 'password'}]} | host.hostKeys
            {'hosts': [{'name': 'db1', 'address': '192.0.2.1', 'hostKeys': ['k']}]} | host.privateKey
            {'hosts': [{'name': 'db1', 'address': '192.0.2.1', 'privateKeyFile': 'open', 'hostKeys': ['k']}]} | others may read
            {'hosts': [{'name': 'db1', 'address': '192.0.2.1', 'privateKeyFile': 'none', 'hostKeys': ['k']}]} | there is no
            {'hosts': [{'name': 'db1', 'colour': 'red'}]}                | colour
            """)
    void describe_wrong_isRefusedWithItsPlace(String content, String says) {
        assertThatThrownBy(() -> read(content))
                .isInstanceOfSatisfying(InvalidSpecException.class, e -> {
                    assertThat(e.field()).isEqualTo("--hosts");
                    assertThat(e.code()).isEqualTo(ErrorCode.SPEC_INVALID);
                })
                .hasMessageContaining("hosts.json")
                .hasMessageContaining(says)
                .message()
                .doesNotContain("not shown");
    }

    @Test
    void describe_missingFile_isRefused() {
        assertThatThrownBy(() ->
                        new HostsFile(directory.resolve("none.json")).describe(SshDelivery.builder(), Json.mapper()))
                .isInstanceOf(InvalidSpecException.class)
                .hasMessageContaining("cannot read");
    }
}
