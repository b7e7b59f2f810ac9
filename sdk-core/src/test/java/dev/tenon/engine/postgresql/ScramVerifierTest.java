package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Secret;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScramVerifierTest {
    /** The exchange of RFC 7677, section 3: user "user", password "pencil". */
    private static final String SALT = "W22ZaJ0SNY7soEsUEjb6gQ==";

    private static final String AUTH_MESSAGE = "n=user,r=rOprNGfwEbeRWgbNEkqO,"
            + "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
            + "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    private static final String PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    private static final String SERVER_SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    @Test
    void verifier_ofTheRfcsExample_acceptsItsProofAndSignsAsItsServer() throws Exception {
        String verifier =
                ScramVerifier.of(Secret.of("pencil"), Base64.getDecoder().decode(SALT), 4_096);

        assertThat(verifier).startsWith("SCRAM-SHA-256$4096:" + SALT + "$");
        String[] keys = verifier.substring(verifier.lastIndexOf('$') + 1).split(":");
        byte[] storedKey = Base64.getDecoder().decode(keys[0]);
        byte[] serverKey = Base64.getDecoder().decode(keys[1]);
        byte[] clientKey = Base64.getDecoder().decode(PROOF);
        byte[] signature = hmac(storedKey);
        for (int i = 0; i < clientKey.length; i++) {
            clientKey[i] ^= signature[i];
        }
        assertThat(MessageDigest.getInstance("SHA-256").digest(clientKey)).isEqualTo(storedKey);
        assertThat(Base64.getEncoder().encodeToString(hmac(serverKey))).isEqualTo(SERVER_SIGNATURE);
    }

    @Test
    void verifier_holdsNothingThatEndsALiteral() {
        String verifier = ScramVerifier.of(Secret.of("'; DROP TABLE t; --\\$$\n"), new byte[16], 4_096);

        assertThat(verifier).matches("SCRAM-SHA-256\\$4096:[A-Za-z0-9+/=]{24}\\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}");
    }

    /** RFC 4013, section 3, and what PostgreSQL does where the profile forbids: it takes the text as it is. */
    @ParameterizedTest
    @CsvSource({
        "I\\u00ADX, IX",
        "user, user",
        "USER, USER",
        "\\u00AA, a",
        "\\u2168, IX",
        "\\u0007, \\u0007",
        "\\u0627\\u0031, \\u0627\\u0031",
        "\\u00A0x, ' x'",
        "\\u3000\\u5BC6\\u7801, ' \\u5BC6\\u7801'",
        "\\uFF21\\uFF22, AB",
        // U+0221 is unassigned in Unicode 3.2, so the ligature beside it stays too.
        "\\uFB01\\u0221, \\uFB01\\u0221",
        "\\uFB01\\u06DD, \\uFB01\\u06DD",
    })
    void prepare_followsTheProfile(String given, String expected) {
        assertThat(SaslPrep.prepare(unescape(given))).isEqualTo(unescape(expected));
    }

    private static String unescape(String text) {
        return java.util.regex.Pattern.compile("\\\\u([0-9A-F]{4})")
                .matcher(text)
                .replaceAll(m ->
                        java.util.regex.Matcher.quoteReplacement(Character.toString(Integer.parseInt(m.group(1), 16))));
    }

    private static byte[] hmac(byte[] key) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(AUTH_MESSAGE.getBytes(StandardCharsets.US_ASCII));
    }
}
