import APIMachinery
import Testing

@testable import APIServer

@Suite struct OpenAPINamesTests {
    @Test(arguments: [
        ("stable.example.com", "v1", "CronTab", "com.example.stable.v1.CronTab"),
        ("core.api.k8s.io", "v1", "Pod", "io.k8s.api.core.v1.Pod_v2"),
        ("core.api.k8s.io", "v1", "Cod", "io.k8s.api.core.v1.Cod"),
    ])
    func `no custom kind takes the name of a built-in type`(group: String, version: String, kind: String, name: String) {
        #expect(OpenAPISchemas.name(of: GroupVersionKind(group: group, version: version, kind: kind)) == name)
    }
}
