module crossfade.test/images

go 1.25.0
