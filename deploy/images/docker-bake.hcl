# All images with BuildKit: docker buildx bake -f deploy/images/docker-bake.hcl   (`make images` is the same with `docker build`)
variable "IMAGES" {
  default = "podcast"
}
variable "TAG" {
  default = "dev"
}
variable "REVISION" {
  default = "unknown"
}

group "default" {
  targets = ["services", "speech", "rabbitmq", "minio"]
}

target "image" {
  name       = name
  matrix     = { name = ["services", "speech", "rabbitmq", "minio"] }
  context    = "."
  dockerfile = "deploy/Dockerfile"
  target     = name
  args       = { VERSION = TAG, REVISION = REVISION }
  tags       = ["${IMAGES}/${name}:${TAG}"]
}
