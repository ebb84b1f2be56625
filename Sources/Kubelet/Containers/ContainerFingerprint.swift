import API

/// Tells whether a container was made from what its pod asks for now.
///
/// Of a running pod's containers only the image can change, so name and image are what counts; fields that a
/// later version adds must not restart anything.
enum ContainerFingerprint {
    static func of(_ container: Container) -> String {
        // FNV-1a, 64 bits: equal inputs must give equal texts for ever, whatever the version.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array(container.name.utf8) + [0] + Array(container.image.utf8) {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return String(hash, radix: 16)
    }
}
