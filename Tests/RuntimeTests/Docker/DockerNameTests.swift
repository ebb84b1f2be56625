import APIMachinery
import Support
import Testing

@testable import Runtime

@Suite struct DockerNameTests {
    private let pod = CRI.PodSandboxMetadata(name: "web-0", uid: "8c5-1", namespace: "shop", attempt: 2)

    @Test func `names are cri-dockerd's and are read again`() throws {
        let sandbox = DockerName(pod)
        #expect(sandbox.text == "k8s_POD_web-0_shop_8c5-1_2")
        let container = DockerName(CRI.ContainerMetadata(name: "app", attempt: 3), in: pod)
        #expect(container.text == "k8s_app_web-0_shop_8c5-1_3")
        #expect(DockerName("/" + sandbox.text)?.sandboxMetadata == pod)
        #expect(DockerName(container.text(suffix: 0xbeef)) == container)
        #expect(container.text(suffix: 0xbeef) == "k8s_app_web-0_shop_8c5-1_3_beef")
    }

    @Test(arguments: ["/web", "", "k8s_app_web_shop_uid", "k8s_app_web_shop_uid_x", "k9s_app_web_shop_uid_1", "k8s_a_b_c_d_1_2_3"])
    func `other people's containers are not ours`(name: String) { #expect(DockerName(name) == nil) }

    @Test func `annotations are labels with a prefix, and come back without what was added`() {
        var joined = DockerLabels.joined(["app": "x"], annotations: ["a/b": "c"])
        #expect(joined == ["app": "x", "annotation.a/b": "c"])
        joined[DockerLabels.type] = DockerLabels.container
        joined[DockerLabels.sandboxID] = "s"
        joined[DockerLabels.logPath] = "/l"
        let (labels, annotations) = DockerLabels.split(joined)
        #expect(labels == ["app": "x"] && annotations == ["a/b": "c"])
    }

    @Test func `a filter asks for one type, and for the labels in their order`() {
        let filter = DockerFilter(type: DockerLabels.container, labels: ["b": "2", "a": "1"], sandbox: "s")
        #expect(
            filter.json
                == #"{"label":["io.kubernetes.docker.type=container","a=1","b=2","io.kubernetes.sandbox.id=s"]}"#)
        #expect(DockerFilter(type: "podsandbox", id: "x").json == #"{"id":["x"],"label":["io.kubernetes.docker.type=podsandbox"]}"#)
    }

    @Test(arguments: [
        ("1.41", "1.12", DockerVersion(1, 41)), ("1.44", "1.24", DockerVersion(1, 44)), ("1.52", "1.44", DockerVersion(1, 44)),
        ("1.40", "1.12", nil), ("1.60", "1.45", nil), ("", "1.12", nil),
    ])
    func `the newest version that both know is spoken`(newest: String, oldest: String, spoken: DockerVersion?) throws {
        let answer: Value = ["ApiVersion": .string(newest), "MinAPIVersion": .string(oldest)]
        #expect((try? DockerVersion.negotiated(answer)) == spoken)
    }
}
