package dev.tenon.k8s;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.workload.Software;
import java.util.Map;
import java.util.Optional;

/**
 * What the renderer needs to know of a cluster.
 *
 * @param namespace where the members live
 * @param storageClass of their volumes; the cluster's default if absent
 * @param images by software
 * @param controlPlaneNamespace whose pods may reach every port
 */
record KubernetesPlace(
        String namespace,
        Optional<String> storageClass,
        Map<Software, SoftwareImage> images,
        String controlPlaneNamespace) {
    KubernetesPlace {
        images = Map.copyOf(images);
    }

    SoftwareImage image(Software software) {
        SoftwareImage image = images.get(software);
        if (image == null) {
            throw new ProviderException(
                    ErrorCode.SOFTWARE_MISSING,
                    "no image is configured for " + software.engine() + " " + software.version());
        }
        return image;
    }
}
