package dev.tenon.testkit.contract;

import dev.tenon.api.InstanceId;
import dev.tenon.api.Secret;
import dev.tenon.api.TenantId;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** What the contract suites share. */
final class Contracts {
    private static final String ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
    private static final Random RANDOM = new Random();

    private Contracts() {}

    static TenantId tenant() {
        return new TenantId(TenantId.PREFIX + random());
    }

    static InstanceId instance() {
        return new InstanceId(InstanceId.PREFIX + random());
    }

    static Map<String, Secret> secrets(EngineDriver engine) {
        Map<String, Secret> secrets = new TreeMap<>();
        engine.secretsNeeded().forEach(name -> secrets.put(name, Secret.of("SecretOf" + name + random())));
        return secrets;
    }

    /** Every clear text that must not be seen. */
    static List<String> clearTexts(EngineRequest request) {
        List<String> texts = new ArrayList<>();
        request.secrets().values().forEach(s -> texts.add(s.reveal(t -> t)));
        request.tls().ifPresent(t -> texts.add(t.privateKeyPem().reveal(k -> k)));
        return texts;
    }

    /** Looks until it holds; false if it does not hold within the time. */
    static boolean eventually(Duration within, BooleanSupplier holds) throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        for (long left = within.toMillis(); !holds.getAsBoolean(); left -= 5) {
            if (left <= 0 || never.await(5, TimeUnit.MILLISECONDS)) {
                return false;
            }
        }
        return true;
    }

    private static String random() {
        synchronized (RANDOM) {
            StringBuilder out = new StringBuilder();
            for (int i = 0; i < 20; i++) {
                out.append(ALPHABET.charAt(RANDOM.nextInt(32)));
            }
            return out.toString();
        }
    }
}
