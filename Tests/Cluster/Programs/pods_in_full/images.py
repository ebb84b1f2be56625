"""Which image a container gets, and what is said while it gets none."""
from conformance_node.steps import box
from pods_in_full.steps import PodSpec

DIGEST = "@sha256:" + "0" * 64


class Images(PodSpec):
    def test_a_name_that_is_none(self):
        self.pod("p", dict(box(), image="busybox:1:2"))
        said = self.waiting("p", "InvalidImageName")
        self.assertEqual(said, 'Failed to apply default image tag "busybox:1:2": couldn\'t parse image name '
            '"busybox:1:2": invalid reference format')
        self.told("p", "InspectFailed", "Failed to apply default image tag")
        self.told("p", "Failed", "Error: InvalidImageName")

    def test_an_image_that_is_not_there(self):
        """It is looked for again and again, after longer and longer."""
        self.pod("p", dict(box(), image="busybox:none"))
        self.told("p", "Pulling", 'Pulling image "busybox:none"')
        self.told("p", "Failed", 'Failed to pull image "busybox:none":')
        self.told("p", "Failed", "Error: ErrImagePull")
        self.told("p", "BackOff", 'Back-off pulling image "busybox:none"')
        said = self.waiting("p", "ImagePullBackOff", seconds=60)
        self.assertTrue(said.startswith('Back-off pulling image "busybox:none"'), said)
        self.told("p", "Failed", "Error: ImagePullBackOff")
        # The other containers do not wait for it.
        self.pod("q", dict(box(name="lost"), image="busybox" + DIGEST), box())
        self.waits("q", lambda pod: "running" in self.container(pod)["state"], "its other container")
        self.assertEqual(self.pods.get("q")["status"]["phase"], "Pending")
        # Another name for it is all that is needed.
        self.pods.patch("p", {"spec": {"containers": [{"name": "c", "image": "busybox:1"}]}}, "strategic")
        self.ready("p", 60)

    def test_policies(self):
        self.pod("always", dict(box("exit 1"), imagePullPolicy="Always"))
        self.restarts("always", 1)
        pulls = self.core("Event", "events").items(fieldSelector="involvedObject.name=always,reason=Pulling")
        self.assertGreaterEqual(sum(one.get("count", 1) for one in pulls), 2)
        self.told("always", "Pulled", 'Successfully pulled image "busybox:1" in ')
        self.run_ready("present", dict(box(), imagePullPolicy="IfNotPresent"))
        self.told("present", "Pulled", 'Container image "busybox:1" already present on machine')
        self.assertNotIn("Pulling", [why for why, _ in self.events("present")])
        self.pod("never", dict(box(), image="busybox:other", imagePullPolicy="Never"))
        said = self.waiting("never", "ErrImageNeverPull")
        self.assertEqual(said, 'Container image "busybox:other" is not present with pull policy of Never')
        self.told("never", "ErrImageNeverPull", said)
        # What it is by default follows from the tag.
        for image, policy in (("busybox", "Always"), ("busybox:latest", "Always"), ("busybox:1",
            "IfNotPresent"),
            ("busybox" + DIGEST, "IfNotPresent")):
            made = self.pods.create({"metadata": {"generateName": "d-"}, "spec": {"containers": [
                {"name": "c", "image": image}]}}, dryRun="All")
            self.assertEqual(made["spec"]["containers"][0]["imagePullPolicy"], policy, image)

    def test_an_image_of_a_digest(self):
        """What a status says that an image is can be asked for."""
        pod = self.run_ready("p", box())
        name = self.container(pod)["imageID"]
        self.assertRegex(name, "^docker.io/library/busybox@sha256:[0-9a-f]{64}$")
        self.run_ready("q", dict(box(), image=name))

    def test_what_the_image_says(self):
        """Its user, and a name that is no number."""
        self.assertEqual(self.output("id -u", image="busybox:nobody"), "65534\n")
        self.pod("p", dict(box(), image="busybox:nobody"), securityContext={"runAsNonRoot": True})
        uid = self.pods.get("p")["metadata"]["uid"]
        self.assertEqual(self.waiting("p", "CreateContainerConfigError"),
            "container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root "
            '(pod: "p_%s(%s)", container: c)' % (self.space, uid))
        self.pod("q", dict(box("id -u"), image="busybox:nobody"), restartPolicy="Never",
            securityContext={"runAsNonRoot": True, "runAsUser": 1000})
        self.phase("q", "Succeeded")
