package dev.tenon.samples;

import static dev.tenon.api.EngineId.POSTGRESQL;

import dev.tenon.api.Endpoint;
import dev.tenon.api.Instance;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Deletes a database by mistake, takes it back with the same endpoint, and then removes it for good. */
public final class RecycleBin {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private RecycleBin() {}

    /** Takes the directory to keep everything in, {@code tenon-bin} if none is given. */
    public static void main(String[] arguments) {
        deleteAndRecover(Path.of(arguments.length > 0 ? arguments[0] : "tenon-bin"))
                .forEach(System.out::println);
    }

    static List<String> deleteAndRecover(Path directory) {
        List<String> states = new ArrayList<>();
        try (Tenon tenon = Tenon.builder()
                .directory(directory)
                .delivery(LocalDelivery.create())
                .build()) {
            Tenant shop = tenon.tenants().create(t -> t.name("shop"));
            Instance orders = shop.instances()
                    .create(i -> i.name("orders").engine(POSTGRESQL, "17").plan("small"))
                    .await(PATIENCE);
            Endpoint before = orders.view().endpoint().orElseThrow();
            // begin
            orders.delete().await(PATIENCE);
            states.add(orders.view().lifecycle().name());

            orders.recover().await(PATIENCE);
            states.add(orders.view().lifecycle().name());
            // end
            Endpoint after = orders.view().endpoint().orElseThrow();
            states.add(before.port() == after.port() ? "same port" : "another port");
            orders.delete().await(PATIENCE);
            orders.purge().await(PATIENCE);
            states.add(shop.instances().find("orders").isEmpty() ? "gone" : "still there");
        }
        return states;
    }
}
