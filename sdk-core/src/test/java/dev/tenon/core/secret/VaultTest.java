package dev.tenon.core.secret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Secret;
import dev.tenon.core.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VaultTest {
    private static final Vault.Place PLACE = new Vault.Place("t-a", "secret", "i-a", 3);
    private static final Map<String, Secret> SECRETS =
            Map.of("owner", Secret.of("correct horse"), "tls.key", Secret.of("a\nb\"c\\d\u0000é"));

    private final Vault vault = new Vault(MasterKey.unkept());

    private void refuses(Vault opener, Vault.Place place, String sealed) {
        assertThatThrownBy(() -> opener.open(place, sealed))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERNAL))
                .hasMessageNotContaining("correct horse");
    }

    @Test
    void open_whatWasSealed_isTheSame() {
        String sealed = vault.seal(PLACE, SECRETS);
        assertThat(sealed).doesNotContain("correct").doesNotContain("owner");
        assertThat(vault.open(PLACE, sealed)).isEqualTo(SECRETS);
    }

    @Test
    void seal_twice_isNeverTheSameText() {
        assertThat(vault.seal(PLACE, SECRETS)).isNotEqualTo(vault.seal(PLACE, SECRETS));
    }

    @Test
    void open_anyByteChanged_isRefused() {
        byte[] sealed =
                Base64.getDecoder().decode(Json.read(vault.seal(PLACE, SECRETS)).text("sealed"));
        IntStream.range(0, sealed.length).forEach(i -> {
            byte[] changed = sealed.clone();
            changed[i] ^= 1;
            refuses(
                    vault,
                    PLACE,
                    Json.write(Map.of("sealed", Base64.getEncoder().encodeToString(changed))));
        });
    }

    @Test
    void open_inAnotherPlace_isRefused() {
        String sealed = vault.seal(PLACE, SECRETS);
        refuses(vault, new Vault.Place("t-b", "secret", "i-a", 3), sealed);
        refuses(vault, new Vault.Place("t-a", "other", "i-a", 3), sealed);
        refuses(vault, new Vault.Place("t-a", "secret", "i-b", 3), sealed);
        refuses(vault, new Vault.Place("t-a", "secret", "i-a", 2), sealed);
    }

    @Test
    void open_withAnotherKey_isRefused() {
        refuses(new Vault(MasterKey.unkept()), PLACE, vault.seal(PLACE, SECRETS));
    }

    @Test
    void open_cutShortOrNoSeal_isRefused() {
        refuses(vault, PLACE, "{\"sealed\":\"AQ==\"}");
        refuses(vault, PLACE, "{\"sealed\":\"?\"}");
        refuses(vault, PLACE, "{}");
    }

    @Test
    void masterKey_openedTwice_isTheSame(@TempDir Path directory) throws IOException {
        Path keys = directory.resolve("keys");
        String sealed = new Vault(MasterKey.open(keys)).seal(PLACE, SECRETS);
        assertThat(new Vault(MasterKey.open(keys)).open(PLACE, sealed)).isEqualTo(SECRETS);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keys.resolve("master.key"))))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keys)))
                .isEqualTo("rwx------");
        try (var files = Files.list(keys)) {
            assertThat(files).containsExactly(keys.resolve("master.key"));
        }
    }

    @Test
    void masterKey_readableByOthersOrDamaged_isRefused(@TempDir Path directory) throws IOException {
        Path keys = directory.resolve("keys");
        MasterKey.open(keys);
        Path file = keys.resolve("master.key");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(() -> MasterKey.open(keys))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.WRONG_OWNER));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        Files.writeString(file, "abcd\n");
        assertThatThrownBy(() -> MasterKey.open(keys)).hasMessageContaining("32 bytes");
    }

    @Test
    void cursor_forgedOrOfAnotherList_isRefused() {
        Cursors cursors = new Cursors(vault);
        String cursor = cursors.write("instances|t-a", "i-a");
        assertThat(cursors.read("instances|t-a", cursor)).isEqualTo("i-a");
        for (String bad : new String[] {
            "",
            "x",
            "AAAA",
            cursor + "A",
            cursor.substring(1),
            "a".repeat(5_000),
            new Cursors(new Vault(MasterKey.unkept())).write("instances|t-a", "i-a")
        }) {
            assertThatThrownBy(() -> cursors.read("instances|t-a", bad))
                    .isInstanceOfSatisfying(InvalidSpecException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.PAGE_INVALID));
        }
        assertThatThrownBy(() -> cursors.read("instances|t-b", cursor)).isInstanceOf(InvalidSpecException.class);
    }

    @Test
    void generator_sameRandom_makesTheSameAndFitsTheRules() {
        Generator generator = new Generator(new Random(1));
        assertThat(generator.instance().value()).matches("i-[a-z2-7]{20}");
        assertThat(generator.tenant()).isNotEqualTo(generator.tenant());
        assertThat(generator.password().<Integer>reveal(String::length)).isEqualTo(24);
        assertThat(new Generator(new Random(7)).operation()).isEqualTo(new Generator(new Random(7)).operation());
    }
}
