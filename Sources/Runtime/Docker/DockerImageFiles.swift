import APIMachinery
import Host
import Support

/// The files of an image where Docker's storage driver `overlay2` keeps them: a folder for each layer.
struct DockerImageFiles: Hashable, Sendable {
    /// The options of one mount are no longer (mount(2)).
    private static let longestOptions = 4095

    /// The folders, that of the last layer first.
    var layers: [String]

    /// From the answer of `GET /images/NAME/json`. Fails with `unsupported` for other drivers.
    init(_ image: Value) throws(Fault) {
        let driver = image["GraphDriver"]
        guard driver?["Name"]?.string == "overlay2", let last = driver?.at("Data", "UpperDir")?.string, !last.isEmpty else {
            let name = driver?["Name"]?.string ?? "containerd"
            throw Fault(
                .unsupported, "Docker's storage driver \(name) does not tell where the files of images are",
                remedy: #"images are volumes with "storage-driver": "overlay2" in /etc/docker/daemon.json, or with containerd"#)
        }
        let below = driver?.at("Data", "LowerDir")?.string ?? ""
        layers = [last] + below.split(separator: ":").map(String.init)
    }

    // mount --bind LAYER PATH; mount -o remount,bind,ro PATH
    // mount -t overlay -o ro,lowerdir=LAYER:LAYER overlay PATH
    /// Shows all layers in one at `path`, read-only.
    func mount(at path: String) throws(Fault) {
        try Files.makeDirectory(path)
        guard layers.count > 1 else {
            try Mounts.bind(layers[0], at: path)
            return try Mounts.makeReadOnly(path)
        }
        let options = try Self.options(layers.map(Self.shortest))
        try Mounts.mount(type: "overlay", source: "overlay", at: path, flags: .readOnly, data: options)
    }

    static func options(_ layers: [String]) throws(Fault) -> String {
        let options = "lowerdir=" + layers.joined(separator: ":")
        guard options.utf8.count <= longestOptions else {
            throw Fault(.unsupported, "an image of \(layers.count) layers has too many to be a volume")
        }
        return options
    }

    /// The driver keeps a link with a short name to each layer, for the same reason.
    private static func shortest(_ layer: String) -> String {
        let folder = Path.parent(of: layer)
        guard let name = try? Files.readText(folder + "/link") else { return layer }
        let link = Path.join(Path.parent(of: folder), "l/" + name.filter { !$0.isWhitespace })
        return Files.exists(link) ? link : layer
    }
}
