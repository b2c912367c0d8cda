// The data provider of the guide, for what no page of its admin asks.
import { dataProvider } from '../guide/data-provider.js'

window.data = dataProvider({ getTokenSilently: async () => window.token }, 'http://localhost:3000/api')
