import APIMachinery

/// What is written while an image is being pulled (`ImagePullIntent`). Pure.
enum PullIntent {
    static func json(_ image: String) -> [UInt8] {
        let value: Value = [
            "kind": "ImagePullIntent", "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "image": .string(image),
        ]
        return value.json
    }

    static func image(_ json: [UInt8]) -> String? {
        guard let value = try? Value(json: json), value["kind"]?.string == "ImagePullIntent" else { return nil }
        return value["image"]?.string
    }
}
