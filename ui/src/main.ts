// Where the client begins: styles, then the one component that holds all others.
import './styles/tokens.css'
import './styles/fonts.css'
import './styles/base.css'
import './styles/controls.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { session } from './session/session.svelte'

const target = document.getElementById('app')
if (target) mount(App, { target })
void session.start()
